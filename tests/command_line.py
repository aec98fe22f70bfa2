"""Commands as tests give them: in this process, as a process of their own, and interrupted."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from typer.testing import CliRunner, Result

from scenehash.cli.main import build_app

COMMAND = [sys.executable, "-c", "from scenehash.cli.main import main; main()"]


def run(*arguments: object, **settings: Any) -> Result:
    """What became of a command in this process; settings: of CliRunner.invoke."""
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(build_app(words[0]), words, **settings)


def answer(*arguments: object) -> dict:
    """The document that a command prints."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def interrupt(words: list[str], when: Callable[[], bool]) -> str:
    """Press Ctrl-C once a command has come so far; it must end at once. Gives what it said."""
    with subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE, text=True) as process:
        while not when():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    return said

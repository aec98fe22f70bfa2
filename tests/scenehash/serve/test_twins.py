"""Each search by command of the test suite has a twin by HTTP, with the same document."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SEARCHING = (
    "cli/test_search_command.py",
    "cli/test_commands.py",
    "cli/test_scene_commands.py",
    "cli/test_thumbnail_commands.py",
)


@pytest.mark.slow
def test_each_search_of_the_test_suite_has_a_twin_with_the_same_document() -> None:
    plugin = "tests.scenehash.serve.twin_plugin"
    files = [f"tests/scenehash/{name}" for name in SEARCHING]
    # What is long, and searches nothing.
    but = "not ctrl_c and not train"
    command = [sys.executable, "-m", "pytest", "-q", "-p", plugin, "-k", but, *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:]
    (line,) = re.findall(r"twins: (\{.*\})", done.stdout)
    counted = json.loads(line)
    assert counted["documents"] >= 40, counted
    assert counted["errors"] >= 12, counted
    assert counted["scenes"] >= 10, counted
    # Twice no store, no file, no number of a row, thrice one that JSON does not keep, a place,
    # which commands take by an option, and twice no model: nothing to ask for.
    assert counted["left_out"] <= 10, done.stdout[-3000:]

"""The fuzz of benchmarks/corruption.py, for a minute: nothing wrong is ever shown of damage."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COUNT = 60


@pytest.mark.slow
def test_of_a_damaged_store_nothing_wrong_is_shown(tmp_path: Path) -> None:
    script = str(ROOT / "benchmarks" / "corruption.py")
    command = [sys.executable, script, "--count", str(COUNT), "--seed", "7"]
    here = {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT / "edge_runtime")}
    environment = os.environ | here
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    totals = json.loads(done.stdout.splitlines()[-1])
    assert (totals["corruptions"], totals["wrong"]) == (COUNT, 0)
    # It was damage: much was refused, and much was not touched by it.
    assert totals["refused"] > 2 * COUNT
    assert totals["answers"] > 50 * COUNT

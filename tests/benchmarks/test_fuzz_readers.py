"""A short run of the fuzzer: nothing but named errors falls out of the readers."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "fuzz_readers.py"


@pytest.mark.slow
def test_damaged_inputs_are_read_or_refused() -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, "--inputs=240", "--seed=3"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    document = json.loads(done.stdout)
    assert document["findings"] == []
    assert done.returncode == 0
    assert sum(document["outcomes"].values()) == 240
    assert {outcome.split()[1] for outcome in document["outcomes"]} == {"read", "refused"}


def test_the_fuzzer_finds_a_reader_that_lets_anything_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(PROGRAM.parent))
    fuzz_readers = importlib.import_module("fuzz_readers")

    def broken(_: Path) -> None:
        raise OverflowError("too far")

    monkeypatch.setattr(fuzz_readers, "_read_scene", broken)
    outcome = fuzz_readers.read_one("bmp", [b"BM"], np.random.default_rng(0), tmp_path)
    assert outcome == "finding: OverflowError: too far"

"""Compiled loops are loaded where that pays, and say so; without numba nothing is missed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scenehash.index import CodeIndex, kernel_loader
from scenehash.index.kernels import NUMPY
from scenehash.index.words import as_words

NEEDS_NUMBA = pytest.mark.skipif(
    not kernel_loader.available(), reason="numba is not installed: extra 'fast'"
)
# In a process of its own: searches of 32-bit codes, then what was loaded and used.
SCRIPT = """
import sys
import numpy as np
from scenehash.index import CodeIndex, kernel_loader
from scenehash.index.words import as_words
codes = np.random.default_rng(0).integers(0, 256, (5000, 4), np.uint8)
index = CodeIndex(codes)
{before}
first = index.search(codes[:3], 7)
{after}
second = index.search_explained(codes[:3], 7)
assert all((one == other).all() for one, other in zip(first, second))
print("numba" in sys.modules, second[2].kernels)
"""
WAIT = """
import threading
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join()
"""


def run(before: str = "", after: str = "") -> str:
    script = SCRIPT.format(before=before, after=after)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_process_that_searches_and_ends_does_not_load_numba() -> None:
    assert run() == "False numpy"


@pytest.mark.slow
@NEEDS_NUMBA
def test_searches_that_went_on_for_long_load_it_behind_them() -> None:
    assert run("kernel_loader.PATIENCE = 0.0", WAIT) == "True numba"


@pytest.mark.slow
@NEEDS_NUMBA
def test_a_process_may_end_while_loops_are_loaded() -> None:
    assert run("kernel_loader.PATIENCE = 0.0").endswith(("numpy", "numba"))


@pytest.mark.slow
@NEEDS_NUMBA
def test_loops_are_compiled_where_no_folder_can_be_written_to() -> None:
    nowhere = "import numba.core.caching as c; c.CacheImpl._locator_classes = []\n"
    assert run(f"{nowhere}assert index.warm() == 'numba'") == "True numba"


@pytest.mark.slow
@NEEDS_NUMBA
def test_kinds_of_loops_are_kept_in_files_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numba has no lock for two processes that keep two kinds at once in the same files."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    other = "other = CodeIndex(np.zeros((1000, 7), np.uint8))\n"
    assert run(f"assert index.warm() == 'numba'\n{other}assert other.warm() == 'numba'")
    kinds = [path.name.split("-")[0] for path in tmp_path.rglob("*.nbi")]
    assert sorted(kind.split(".")[1] for kind in kinds) == [
        "_find_uint32", "_find_uint8", "_rank", "_select_uint32_1", "_select_uint8_0",
    ]  # fmt: skip
    assert len([*tmp_path.rglob("*.nbc")]) == len(kinds)


def test_without_numba_numpy_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_loader, "available", lambda: False)
    monkeypatch.setattr(kernel_loader, "_ready", {})
    codes = np.random.default_rng(0).integers(0, 256, (500, 8), np.uint8)
    index = CodeIndex(codes)
    assert index.warm() == "numpy"
    assert "numpy" in str(index.search_explained(codes[:1], 3)[2])


@pytest.mark.slow
@NEEDS_NUMBA
@pytest.mark.parametrize("ties", [1, 3, 10**6])
def test_many_at_one_distance_are_kept_or_dropped_as_by_numpy(ties: int) -> None:
    """More than there is room for at first, among items that stand for rows and among rows."""
    rng = np.random.default_rng(ties)
    kinds = rng.integers(0, 256, (ties, 4), np.uint8) if ties < 10**6 else None
    codes = rng.integers(0, 256, (70_000, 4), np.uint8)
    if kinds is not None:
        codes = kinds[rng.integers(0, len(kinds), len(codes))]
    query = ~codes[:2]
    compiled = kernel_loader.warm(as_words(codes))
    assert compiled.name == "numba"
    for k in (1, 50, 3000, 70_001):
        for dead in (None, np.arange(0, 70_000, 100), np.arange(0, 70_000, 3)):
            index = CodeIndex(codes, dead)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("scenehash.index.code_index.kernels_for", lambda _: NUMPY)
                expected = index.search(query, k)
            got = index.search(query, k)
            assert np.array_equal(got[0], expected[0])
            assert np.array_equal(got[1], expected[1])

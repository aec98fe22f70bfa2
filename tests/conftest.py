"""Fixtures that all tests share."""

import gc
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.absent import absent

# A busy machine makes no test fail.
settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")

REPOSITORY = Path(__file__).parents[1]
# Several processes run tests at a time: threads of one would wait for those of another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Whoever runs the tests may have keys, and the models of tests are signed by none.
os.environ["SCENEHASH_TRUST"] = str(REPOSITORY / "no-trust.json")


def pytest_collection_finish() -> None:
    """What has been imported stays: the garbage collector need not visit it during the tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real images; a test that needs it is skipped where it is absent."""
    root = Path(os.environ.get("SCENEHASH_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (root / "ucmerced").is_dir():
        absent("data", f"no real images at {root} (set SCENEHASH_DATA)")
    return root


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a disk of a size, as "600k"; skipped where that is not allowed."""
    disk = tmp_path / "disk"

    def mount(size: str) -> Path:
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("a small disk can only be mounted by root")
        return disk

    yield mount
    if disk.is_mount():
        subprocess.run(["umount", "--lazy", str(disk)], check=True)

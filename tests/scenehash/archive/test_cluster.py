"""The same archive, hashed by the workers of a Dask scheduler that are killed on the way."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scenehash import hash_archive
from scenehash.errors import ArchiveError, ConfigurationError

from ...absent import package
from .parts import ALL, files

# A scheduler and its workers.
pytestmark = pytest.mark.slow


distributed = package("distributed", reason="the extra cluster is not installed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A scheduler on loopback with two workers, processes that are started again."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as started:
        yield started


def kill_a_worker(address: str, out: Path) -> None:
    """Kill one of the workers, once a part is there."""
    with distributed.Client(address, set_as_default=False) as client:
        process = min(client.run(os.getpid).values())
        while not files(out):
            time.sleep(0.01)
        os.kill(process, signal.SIGKILL)


def test_the_parts_are_those_of_local_processes_though_a_worker_is_killed(
    cluster: Any, hashed: Path, scenes: Path, model: Path, tmp_path: Path
) -> None:
    out, address = tmp_path / "out", cluster.scheduler_address
    killing = threading.Thread(target=kill_a_worker, args=(address, out))
    killing.start()
    try:
        report = hash_archive(scenes, out, address, model, ALL)
    finally:
        killing.join()
    assert (report.hashed, report.failed) == (10, {})
    assert files(out) == files(hashed)
    assert (out / "manifest.json").read_bytes() == (hashed / "manifest.json").read_bytes()


def test_a_scheduler_that_is_not_there_is_said(scenes: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="no Dask scheduler answers there"):
        hash_archive(scenes, tmp_path / "out", "tcp://127.0.0.1:9", model, ALL)
    with pytest.raises(ConfigurationError, match=r"give local, or tcp://HOST:PORT"):
        hash_archive(scenes, tmp_path / "out", "10.0.0.1:8786", model, ALL)

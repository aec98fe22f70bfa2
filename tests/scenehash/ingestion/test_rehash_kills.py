"""Killed at any instant of a rehash, a store holds every scene, and can be searched throughout."""

import contextlib
import itertools
import multiprocessing
import os
import random
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

from scenehash import CodeStore, HashModel, rehash
from scenehash.errors import LineageError, StoreError
from scenehash.ingestion import rereading
from scenehash.store import Alert, earlier_paths

from .archives import check_codes, make_store, models, write_scenes

SCENES = 20
STORES, KILLS = 2, 25
ORDER = ("adapted", "first", "other")


@pytest.fixture(scope="module")
def by(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HashModel]:
    return models(tmp_path_factory.mktemp("models"))


def rehash_until_killed(store: Path, by: dict[str, HashModel], first: int, calls: int) -> None:
    """Change the store to one model after another, in small steps; ends at a call of a function."""
    rereading.SCENES_A_COMMIT = 4  # type: ignore[attr-defined]
    with counting(lambda made: os.kill(os.getpid(), signal.SIGKILL) if made > calls else None):
        for number in itertools.count(first):
            with contextlib.suppress(StoreError):
                rehash(store, by[ORDER[number % 3]], threads=1)


@contextlib.contextmanager
def counting(tell: Callable[[int], None]) -> Iterator[None]:
    """Tell at each call of a function, in any thread, how many there were."""
    made = itertools.count()

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        if event in ("call", "c_call"):
            tell(next(made))

    threading.setprofile(profile)
    sys.setprofile(profile)
    yield
    sys.setprofile(None)
    threading.setprofile(None)


def stores_in(path: Path) -> list[Path]:
    return [path, *earlier_paths(path)]


def model_of(store: CodeStore, by: dict[str, HashModel]) -> HashModel:
    return next(model for model in by.values() if model.lineage == store.lineage)


def check(path: Path, by: dict[str, HashModel], paths: set[str]) -> None:
    """Every scene and every alert is there, with the codes of the model of its store."""
    there: set[str] = set()
    alerts: set[str] = set()
    for one in stores_in(path):
        with CodeStore.open(one, writable=True) as store:
            check_codes(store, model_of(store, by))
            there |= {record.path for record, _ in store.scenes()}
            for alert in store.alerts.list():
                alerts.add(alert.name)
                assert alert.examples.shape[1] == store.bits // 8
    assert there == paths
    assert alerts == {"a", "b"}


def search_once(path: Path) -> int:
    """Search three stored tiles by their own codes; returns 0 where the switch came between."""
    with CodeStore.open(path) as store:
        rows = np.concatenate([rows for rows, _ in store.living()])
        try:
            found = store.search(store.codes(rows[:3]), 1)
        except LineageError:
            return 0
    assert [hits[0].distance for hits in found] == [0, 0, 0]
    return 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(STORES))
def test_killed_at_any_instant_nothing_is_lost(
    tmp_path: Path, by: dict[str, HashModel], seed: int
) -> None:
    scenes, away, path = tmp_path / "scenes", tmp_path / "away", tmp_path / "s"
    write_scenes(scenes, range(SCENES))
    away.mkdir()
    make_store(path, scenes, by["first"])
    with CodeStore.open(path, writable=True) as store:
        paths = {record.path for record, _ in store.scenes()}
        for name, row in (("a", 0), ("b", 20)):
            codes = store.codes(np.array([row]))
            store.alerts.add(Alert(name, 3, codes, codes[:0], (f"row:{row}",)))
    counts: list[int] = []
    with counting(counts.append):
        rehash(path, by["other"], threads=1)
    draw = random.Random(seed)
    fork = multiprocessing.get_context("fork")
    lineages: set[str] = set()
    searches, left = 0, 0
    for kill in range(KILLS):
        # Some scenes are out of reach for a while.
        for number in draw.sample(range(SCENES), 4):
            here, there = scenes / f"{number}.png", away / f"{number}.png"
            here.rename(there) if here.exists() else there.rename(here)
        calls = draw.randrange(2 * counts[-1])
        child = fork.Process(target=rehash_until_killed, args=(path, by, kill // 3, calls))
        child.start()
        while child.is_alive():
            searches += search_once(path)
        assert child.exitcode == -signal.SIGKILL
        check(path, by, paths)
        with CodeStore.open(path) as store:
            lineages.add(store.lineage)
            left += len(store.earlier())
    assert len(lineages) > 1
    assert left
    assert searches > KILLS / 2
    for file in away.iterdir():
        file.rename(scenes / file.name)
    report = rehash(path, by["other"])
    assert not report.unreachable
    assert stores_in(path) == [path]
    check(path, by, paths)


def test_on_a_disk_that_is_full_the_store_stays_as_it_is(
    tmp_path: Path, small_disk: Callable[[str], Path], by: dict[str, HashModel]
) -> None:
    write_scenes(tmp_path / "scenes", range(SCENES))
    disk = small_disk("1m")
    path = make_store(disk / "s", tmp_path / "scenes", by["first"])
    (tmp_path / "scenes" / "3.png").unlink()
    paths = {str(tmp_path / "scenes" / f"{number}.png") for number in range(SCENES)}
    ballast = disk / "ballast"
    refused = 0
    for _ in range(60):
        free = shutil.disk_usage(disk).free
        with ballast.open("ab") as file:
            file.write(bytes(max(0, free - 4096 * (2 * refused + 1))))
        try:
            rehash(path, by["other"])
        except StoreError as error:
            refused += 1
            assert "disk" in str(error) or "space" in str(error)
        else:
            break
        ballast.unlink()
        there = set()
        for one in stores_in(path):
            with CodeStore.open(one) as store:
                check_codes(store, model_of(store, by))
                there |= {record.path for record, _ in store.scenes()}
        assert there == paths
    assert refused > 5
    with CodeStore.open(path) as store:
        check_codes(store, by["other"])

"""Killed at any instant of a rehash, a store holds every scene, and can be searched throughout."""

import contextlib
import itertools
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, HashModel, rehash
from scenehash.errors import LineageError, StoreError
from scenehash.ingestion import stored
from scenehash.store import Alert, earlier_paths

from .archives import check_codes, make_store, models, write_scenes

SCENES = 20
STORES, KILLS = 2, 25
ORDER = ("adapted", "first", "other")


@pytest.fixture(scope="module")
def by(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HashModel]:
    return models(tmp_path_factory.mktemp("models"))


def rehash_for_ever(store: Path, by: dict[str, HashModel], first: int) -> None:
    """Change the store to one model after another; small steps, so that there are many instants."""
    stored.SCENES_A_COMMIT = 4  # type: ignore[attr-defined]
    for number in itertools.count(first):
        with contextlib.suppress(StoreError):
            rehash(store, by[ORDER[number % 3]], threads=1)


def stores_in(path: Path) -> list[Path]:
    return [path, *earlier_paths(path)]


def check(path: Path, by: dict[str, HashModel], paths: set[str]) -> None:
    """Every scene and every alert is there, with the codes of the model of its store."""
    there: set[str] = set()
    alerts: set[str] = set()
    for one in stores_in(path):
        with CodeStore.open(one, writable=True) as store:
            check_codes(store, by[store.lineage])
            there |= {record.path for record, _ in store.scenes()}
            for alert in store.alerts.list():
                alerts.add(alert.name)
                assert alert.examples.shape[1] == store.bits // 8
    assert there == paths
    assert alerts == {"a", "b"}


def search_until(path: Path, until: float) -> int:
    """Search stored tiles by their own codes; returns how often that was done."""
    count = 0
    while time.monotonic() < until:
        with CodeStore.open(path) as store:
            try:
                rows = np.concatenate([rows for rows, _ in store.living()])
                codes = store.codes(rows[:3])
                for hits in store.search(codes, 1):
                    assert hits[0].distance == 0
                count += 1
            except LineageError:  # the switch, between two lines
                continue
    return count


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
    started = time.monotonic()
    rehash(path, by["other"], threads=1)
    seconds = time.monotonic() - started
    draw = random.Random(seed)
    fork = multiprocessing.get_context("fork")
    lineages: set[str] = set()
    searches, left = 0, 0
    before = ""
    for kill in range(8 * KILLS):
        if kill >= KILLS and len(lineages) > 1 and left and searches > KILLS / 2:
            break
        # Some scenes are out of reach for a while.
        for number in draw.sample(range(SCENES), 4):
            here, there = scenes / f"{number}.png", away / f"{number}.png"
            here.rename(there) if here.exists() else there.rename(here)
        child = fork.Process(target=rehash_for_ever, args=(path, by, kill // 3))
        child.start()
        searches += search_until(path, time.monotonic() + draw.uniform(0, 2 * seconds))
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        check(path, by, paths)
        with CodeStore.open(path) as store:
            # Where nothing has changed a kill may have come too early: this machine is busy.
            seconds *= 1.2 if store.lineage == before else 0.9
            before = store.lineage
            lineages.add(before)
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
                check_codes(store, by[store.lineage])
                there |= {record.path for record, _ in store.scenes()}
        assert there == paths
    assert refused > 5
    with CodeStore.open(path) as store:
        check_codes(store, by["other"])

"""Backups of a busy store at any instant, and kills in backup and restore: all or nothing."""

import multiprocessing
import os
import random
import shutil
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from scenehash import CodeStore, Filter
from scenehash.store.backups.backup import back_up
from scenehash.store.backups.restore import list_backups, restore

from .samples import LINEAGE, make, scene

pytestmark = pytest.mark.slow

FORK = multiprocessing.get_context("fork")
# Scenes of one commit of the writer.
GROUP = 5
PAUSE = 0.08


def write(folder: Path, said: Connection) -> None:
    """Add groups of scenes for ever, with thumbnails; delete one of each, and compact at times."""
    with CodeStore.create(folder, LINEAGE, 64, "a-model") as store:
        store.keep_thumbnails()
        number = 0
        while True:
            said.send(("begun", number))
            plain = [scene(GROUP * number + part, 1 + part) for part in range(GROUP)]
            for one in plain:
                object.__setattr__(one, "thumbnails", [b"jpeg"] * len(one.windows))
            with store.transaction():
                store.add(plain)
                store.outbox.note([f'{{"group": {number}}}'])
            said.send(("done", number))
            if number % 5 == 4:
                store.delete(Filter(scene=f"/scenes/{GROUP * number}.png"))
                store.compact()
            number += 1
            time.sleep(0.05)


class Writer:
    """A process that writes, and what it has said so far."""

    def __init__(self, folder: Path) -> None:
        self._said, saying = FORK.Pipe(duplex=False)
        self._process = FORK.Process(target=write, args=(folder, saying), daemon=True)
        self._process.start()
        saying.close()
        self._numbers = {"begun": -1, "done": -1}
        while self.groups()[0] < 0:
            time.sleep(0.01)

    def groups(self) -> tuple[int, int]:
        """The newest group that is done, and the newest that was begun."""
        while self._said.poll():
            word, number = self._said.recv()
            self._numbers[word] = number
        return self._numbers["done"], self._numbers["begun"]

    def end(self) -> None:
        self._process.kill()
        self._process.join()


def check(path: Path, done: int, begun: int) -> None:
    """The store has whole groups: all that were done, and none that had not begun."""
    with CodeStore.open(path) as store:
        assert store.verify() == []
        contents = {int(content, 16) for content in store.contents()}
        groups = {number // GROUP for number in contents}
        last = max(groups)
        assert groups == set(range(last + 1)) and done <= last <= begun
        for group in groups:
            own = {number for number in contents if number // GROUP == group}
            assert len(own) == GROUP or (group % 5 == 4 and len(own) == GROUP - 1)
        # Events are of the same commit as the scenes.
        assert store.outbox.newest() == last + 1
        # A thumbnail is written just before its scene is committed, and goes with a compaction,
        # which may have come between the copies of the two files.
        for record, _ in store.scenes():
            number = int(record.content, 16)
            may_go = number % GROUP == 0 and number // GROUP % 5 == 4
            assert may_go or None not in store.thumbnails.of_scene(record)


@pytest.mark.parametrize(("stores", "instants"), [(10, 10)])
def test_a_backup_at_any_instant_of_a_busy_ingest_restores(
    tmp_path: Path, stores: int, instants: int
) -> None:
    """Several stores after each other: what is checked a hundred times may not grow too large."""
    draw = random.Random(instants)
    for number in range(stores):
        folder = tmp_path / str(number)
        folder.mkdir()
        writer = Writer(folder / "s")
        try:
            for _ in range(instants):
                time.sleep(draw.uniform(0, PAUSE))
                done, _ = writer.groups()
                back_up(folder / "s", folder / "b", keep=3)
                _, begun = writer.groups()
                restore(folder / "b", folder / "r")
                check(folder / "r", done, begun)
                shutil.rmtree(folder / "r")
        finally:
            writer.end()


def killed(action: Callable[..., object], after: float, *arguments: object) -> None:
    """Run an action in a process of its own, and kill that after so many seconds."""
    process = FORK.Process(target=action, args=arguments)
    process.start()
    process.join(after)
    process.kill()
    process.join()


def seconds(action: Callable[[], object]) -> float:
    """How long an action takes here, so that kills fall into all of it on any machine."""
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


@pytest.mark.parametrize("kills", [50])
def test_killed_in_a_backup_the_file_has_what_it_had(tmp_path: Path, kills: int) -> None:
    draw = random.Random(kills)
    with make(tmp_path / "s", 3) as store:
        store.keep_model(os.urandom(30_000_000))
        longest = seconds(lambda: back_up(tmp_path / "s", tmp_path / "b", keep=2)) / 2
        listed = 1
        for kill in range(kills):
            store.add([scene(100 + kill, 2)])
            store.keep_model(os.urandom(4_000_000))
            killed(back_up, draw.uniform(0, longest), tmp_path / "s", tmp_path / "b", 2)
            numbers = [kept.number for kept in list_backups(tmp_path / "b", verify=True)]
            assert numbers and listed <= numbers[-1] <= listed + 1
            listed = numbers[-1]
        restore(tmp_path / "b", tmp_path / "before")
        back_up(tmp_path / "s", tmp_path / "b")
        restore(tmp_path / "b", tmp_path / "r")
        with CodeStore.open(tmp_path / "r") as restored:
            assert restored.verify() == [] and restored.counts() == store.counts()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"s", "b", "before", "r"}


@pytest.mark.parametrize("kills", [50])
def test_killed_in_a_restore_there_is_the_whole_store_or_none(tmp_path: Path, kills: int) -> None:
    draw = random.Random(kills)
    with make(tmp_path / "s", 60) as store:
        store.keep_model(os.urandom(20_000_000))
        counts = store.counts()
    back_up(tmp_path / "s", tmp_path / "b")
    longest = seconds(lambda: restore(tmp_path / "b", tmp_path / "r"))
    for kill in range(kills):
        target = tmp_path / f"r{kill}"
        killed(restore, draw.uniform(0, longest), tmp_path / "b", target)
        if not target.exists():
            restore(tmp_path / "b", target)
        with CodeStore.open(target, writable=True) as restored:
            assert restored.verify() == [] and restored.counts() == counts
        assert not list(tmp_path.glob(".*"))
        shutil.rmtree(target)

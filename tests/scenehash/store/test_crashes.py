"""Killed at any instant, a store holds what it said it holds, and nothing torn."""

import multiprocessing
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, Filter
from scenehash.errors import StoreError
from scenehash.store import HashedScene

from .samples import LINEAGE, placed

# 200 kills, spread over 10 stores.
STORES, KILLS = 10, 20
MAX_SECONDS = 0.08


def one(number: int) -> HashedScene:
    return placed(number, 1 + number % 4, (number % 300 - 150, 10.0), ("even",) * (number % 2 == 0))


@dataclass
class Ledger:
    """What the writer has acknowledged, and what it was about to do."""

    held: set[int] = field(default_factory=set)
    step: str = ""
    numbers: frozenset[int] = frozenset()

    def read(self, said: Connection) -> None:
        while said.poll():
            try:
                word, numbers = said.recv()
            except EOFError:
                return
            if word != "done":
                self.step, self.numbers = word, frozenset(numbers)
            elif self.step in ("add", "merge"):
                self.held |= self.numbers
                self.step = ""
            elif self.step == "delete":
                self.held -= self.numbers
                self.step = ""

    def possible(self) -> list[set[int]]:
        """What the store may hold: what was going on is there whole, or not at all."""
        after = {"add": self.held | self.numbers, "merge": self.held | self.numbers,
                 "delete": self.held - self.numbers}  # fmt: skip
        return [self.held, after.get(self.step, self.held)]


def write(folder: Path, others: list[Path], seed: int, held: set[int], said: Connection) -> None:
    """Add, delete, compact and merge, for ever; say what comes and that it is done."""
    draw = random.Random(seed)
    store = CodeStore.open_or_create(folder, LINEAGE, 64, "a-model")
    said.send(("open", ()))
    while True:
        step = draw.choice(["add", "add", "delete", "compact", "merge"])
        if step == "add":
            numbers = [draw.randrange(10_000) for _ in range(draw.randrange(1, 6))]
            said.send((step, numbers))
            store.add([one(number) for number in numbers])
            held |= set(numbers)
        elif step == "delete" and held:
            number = draw.choice(sorted(held))
            said.send((step, [number]))
            store.delete(Filter(scene=f"/scenes/{number}.png"))
            held.discard(number)
        elif step == "compact":
            said.send((step, ()))
            store.compact()
        elif step == "merge":
            at = draw.randrange(len(others))
            numbers = list(range(20_000 + 10 * at, 20_000 + 10 * at + 5))
            said.send((step, numbers))
            with CodeStore.open(others[at]) as other:
                store.merge(other)
            held |= set(numbers)
        said.send(("done", ()))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("others")
    for at in range(8):
        with CodeStore.create(folder / str(at), LINEAGE, 64, "a-model") as store:
            store.add([one(20_000 + 10 * at + number) for number in range(5)])
    return sorted(folder.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(STORES))
def test_killed_at_any_instant_all_that_was_acknowledged_is_there(
    tmp_path: Path, others: list[Path], seed: int
) -> None:
    draw = random.Random(seed)
    ledger = Ledger()
    fork = multiprocessing.get_context("fork")
    for kill in range(KILLS):
        said, saying = fork.Pipe(duplex=False)
        arguments = (tmp_path / "s", others, 1000 * seed + kill, set(ledger.held), saying)
        writer = fork.Process(target=write, args=arguments)
        writer.start()
        saying.close()
        if draw.random() < 0.9:
            said.poll(10)
        time.sleep(draw.uniform(0, MAX_SECONDS))
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        ledger.step = ""
        ledger.read(said)
        with CodeStore.open_or_create(tmp_path / "s", LINEAGE, 64, "a-model") as store:
            assert store.verify() == []
            there = {int(Path(record.path).stem): codes for record, codes in store.scenes()}
            assert set(there) in ledger.possible()
            for number, codes in there.items():
                assert np.array_equal(codes, one(number).codes)
            assert len(store) == sum(len(codes) for codes in there.values())
            ledger.held = set(there)
    assert ledger.held


def test_a_failed_flush_acknowledges_nothing_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CodeStore.create(tmp_path / "s", LINEAGE, 64, "a-model") as store:
        store.add([one(1), one(2)])

        def refuse(_: int) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "fsync", refuse)
        store.delete(Filter(scene="/scenes/1.png"))
        for write in (lambda: store.add([one(3)]), store.compact):
            with pytest.raises(StoreError, match="Input/output error"):
                write()
        monkeypatch.undo()
        assert store.verify() == []
        assert [record.path for record, _ in store.scenes()] == ["/scenes/2.png"]
        store.add([one(3)])
        store.compact()
        assert store.verify() == []
    with CodeStore.open(tmp_path / "s") as store:
        assert len(list(store.scenes())) == 2


def test_a_disk_that_fills_up_keeps_what_was_acknowledged(
    small_disk: Callable[[str], Path],
) -> None:
    disk = small_disk("600k")
    held: list[int] = []
    refused = 0
    with CodeStore.create(disk / "s", LINEAGE, 64, "a-model") as store:
        for number in range(400):
            try:
                store.add([placed(number, 40)])
                held.append(number)
            except StoreError as error:
                refused += 1
                assert "intact" in str(error)
                if refused > 5:
                    break
    assert held
    assert refused > 5
    with CodeStore.open(disk / "s") as store:
        assert store.verify() == []
        assert [record.path for record, _ in store.scenes()] == [
            f"/scenes/{number}.png" for number in held
        ]
    subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
    with CodeStore.open(disk / "s", writable=True) as store:
        store.delete(Filter(scene="/scenes/0.png"))
        store.add([placed(1000, 40)])
        store.compact()
        assert store.verify() == []
        assert len(store) == 40 * len(held)

"""One writer and several readers at once: no wrong result, and none torn."""

import random
import time
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from scenehash import CodeStore, Filter

from .reading import readers
from .samples import make, scene

READERS, SECONDS = 4, 5.0


def read(folder: Path, seed: int, over: Event, said: Connection) -> None:
    """Search for scenes by their codes; say how often, and what was wrong."""
    draw, searches, wrong = random.Random(seed), 0, []
    with CodeStore.open(folder) as store:
        while not over.is_set():
            store.refresh()
            # Scenes come in order, and every third is deleted some time after it came.
            number = 3 * draw.randrange(1, max(2, store.rows // 6)) + 1
            hits = store.search(scene(number, 2).codes, 5)
            for tile, found in enumerate(hits):
                order = [(hit.distance, hit.row) for hit in found]
                if order != sorted(order) or len({hit.row for hit in found}) != len(found):
                    wrong.append(f"order {order}")
                known = store.rows >= 2 * (number + 1)
                if known and (found[0].distance, found[0].row) != (0, 2 * number + tile):
                    wrong.append(f"scene {number}: {found[0]}")
                for hit in found:
                    if hit.scene != f"/scenes/{hit.row // 2}.png":
                        wrong.append(f"torn {hit}")
            searches += 1
    said.send((searches, wrong))


@pytest.mark.slow
def test_readers_see_whole_states_while_one_writes(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        store.add([scene(number, 2) for number in range(30)])
        with readers(read, tmp_path / "s", READERS) as answers:
            number, until = 30, time.monotonic() + SECONDS
            while time.monotonic() < until:
                store.add([scene(number + one, 2) for one in range(3)])
                store.delete(Filter(scene=f"/scenes/{number - 30}.png"))
                if number % 60 == 0:
                    store.compact()
                number += 3
        assert store.verify() == []
    assert [wrong for _, wrong in answers] == [[]] * READERS
    assert min(searches for searches, _ in answers) > 10

"""The index beside a store is about the codes that the store has, whatever was copied over it."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore
from scenehash.codes import Codes
from scenehash.index import code_index
from scenehash.index.costs import Planner
from scenehash.store import HashedScene, SearchRequest

from .samples import make, scene

TILES, QUERIES = 1000, 20
# An index is worth its while for few codes, too.
EAGER = Planner(
    min_segment=TILES, probe_step=0, probe_window=0, probe_entry=0, probe_candidate=0, check_byte=0
)


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_index, "Planner", lambda: EAGER)


def large(number: int) -> HashedScene:
    return scene(number, TILES)


def wrong(store: CodeStore, codes: Codes) -> int:
    """How many searches for some of the stored codes find others than brute force does."""
    queries = codes[:: len(codes) // QUERIES] ^ np.uint8(1)
    return sum(
        (hit.distance, hit.row) != nearest(codes, query)
        for query, (hit,) in zip(queries, store.search(queries, 1), strict=True)
    )


def nearest(codes: Codes, query: Codes) -> tuple[int, int]:
    distances = np.bitwise_count(codes ^ query).sum(axis=1)
    return int(distances.min()), int(distances.argmin())


def scans(store: CodeStore) -> bool:
    """Whether a search does without the index."""
    query = large(1).codes[:1] ^ np.uint8(1)
    return set(store.search_explained(SearchRequest(query, 1))[1].plans) == {"scan"}


@pytest.mark.parametrize("copied", ["with shutil", "by renaming"])
def test_a_backup_copied_over_a_store_is_searched_without_the_newer_index(
    tmp_path: Path, copied: str
) -> None:
    folder, backup = tmp_path / "s", tmp_path / "backup"
    with make(folder) as store:
        store.add([large(1)])
        store.build_index()
        assert store.indexed == TILES
    shutil.copytree(folder, backup)
    with CodeStore.open(folder, writable=True) as store:
        store.add([large(2)])
        store.build_index()
        assert wrong(store, np.concatenate([large(1).codes, large(2).codes])) == 0
        assert not scans(store)
    for file in backup.iterdir():
        if file.is_file():
            if copied == "by renaming":
                (folder / file.name).unlink()
            shutil.copyfile(file, folder / file.name)
    held = np.concatenate([large(1).codes, large(3).codes])
    with CodeStore.open(folder, writable=True) as store:
        store.add([large(3)])
        assert wrong(store, held) == 0
        assert scans(store)
        store.build_index()
        assert not scans(store)
        assert wrong(store, held) == 0
    with CodeStore.open(folder) as store:
        assert wrong(store, held) == 0
        assert not scans(store)

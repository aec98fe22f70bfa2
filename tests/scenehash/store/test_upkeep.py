"""Delete, compact, merge, and what readers see of it."""

import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenehash import CodeStore, Filter
from scenehash.errors import LineageError, StoreError

from .samples import LINEAGE, make, placed, scene


def scenes_found(store: CodeStore) -> dict[int, str]:
    """All rows that can be found, with the paths of their scenes."""
    return {hit.row: hit.scene for hit in store.search(np.zeros((1, 8), np.uint8), 10_000)[0]}


def test_what_was_deleted_is_not_found_and_its_rows_are_not_given_again(tmp_path: Path) -> None:
    with make(tmp_path / "s", 9) as store:
        before, rows = scenes_found(store), store.rows
        assert store.delete(Filter(scene="/scenes/5.png")) == 1
        assert store.delete(Filter(scene="/scenes/5.png")) == 0
        left = {row: path for row, path in before.items() if path != "/scenes/5.png"}
        assert scenes_found(store) == left
        assert (len(store), store.rows, store.deleted) == (len(left), rows, 3)
        assert not store.has_sound_scene(scene(5).content)
        (gone, *_) = before.keys() - left.keys()
        for read in (lambda: store.codes(np.array([gone])), lambda: store.tile(gone)):
            with pytest.raises(StoreError, match="no row"):
                read()
        store.add([scene(5, 3)])
        assert scenes_found(store) == left | {rows + tile: "/scenes/5.png" for tile in range(3)}
        assert store.verify() == []


def test_compact_gives_the_room_back_and_keeps_rows(tmp_path: Path) -> None:
    with make(tmp_path / "s", 30) as store:
        for number in (0, 1, 7, 8, 9, 29):
            store.delete(Filter(scene=f"/scenes/{number}.png"))
        before = scenes_found(store)
        assert store.compact() == 1 + 2 + 2 + 3 + 1 + 3
        assert store.compact() == 0
        assert scenes_found(store) == before
        assert [path.name for path in (tmp_path / "s").glob("codes*")] == ["codes.1.bin"]
        assert (tmp_path / "s" / "codes.1.bin").stat().st_size == 8 * len(before)
        for number in (10, 28):
            store.delete(Filter(scene=f"/scenes/{number}.png"))
        store.add([scene(40, 2)])
        before = scenes_found(store)
        store.compact()
        assert scenes_found(store) == before
        assert store.verify() == []
    with CodeStore.open(tmp_path / "s") as store:
        assert scenes_found(store) == before
        for row in before:
            path = store.tile(row).scene
            number = int(Path(path).stem)
            tiles = scene(number, 2 if number == 40 else 1 + number % 3).codes
            assert store.codes(np.array([row]))[0].tobytes() in {code.tobytes() for code in tiles}


def test_a_reader_goes_on_while_its_scenes_are_deleted_and_compacted(tmp_path: Path) -> None:
    with make(tmp_path / "s", 12) as writer, CodeStore.open(tmp_path / "s") as reader:
        before = scenes_found(reader)
        writer.add([scene(50)])
        writer.compact()
        assert scenes_found(reader) == before
        writer.delete(Filter(scene="/scenes/3.png"))
        assert writer.compact() == 1
        # It refreshes itself rather than show what is deleted.
        assert scenes_found(reader) == scenes_found(writer)
        reader.refresh()
        assert scenes_found(reader) == scenes_found(writer)


def test_a_reader_that_opens_during_a_compaction_gets_one_state_or_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scenehash.store.files import codes_file as module

    with make(tmp_path / "s", 12) as writer:
        writer.delete(Filter(scene="/scenes/3.png"))
        read = module.CodesFile.read

        def late(self: object, committed: int) -> object:
            monkeypatch.undo()
            writer.compact()
            return read(self, committed)  # type: ignore[arg-type]

        monkeypatch.setattr(module.CodesFile, "read", late)
        with CodeStore.open(tmp_path / "s") as reader:
            assert scenes_found(reader) == scenes_found(writer)


def test_merge_keeps_the_same_content_once_and_can_be_repeated(tmp_path: Path) -> None:
    with make(tmp_path / "a", 6) as ours, make(tmp_path / "b") as theirs:
        shared, new = scene(4, 2), placed(77, 5, (179.98, 10.0), ("harbor",))
        theirs.add([shared, new, scene(78)])
        theirs.delete(Filter(scene="/scenes/78.png"))
        done = ours.merge(theirs)
        assert (done.stored, done.duplicates, done.set_aside) == (1, 1, ())
        assert ours.merge(theirs).stored == 0
        assert ours.counts() == (7, 12 + 5)
        where = Filter(label="harbor", bbox=(-179.995, 10, -179.975, 11), since=new.time)
        found = ours.search(new.codes[2:3], 9, where=where)[0]
        assert sorted(hit.window.x // 256 for hit in found) == [2, 3, 4]
        assert found[0].time == new.time
        assert ours.verify() == []


def test_merge_leaves_damaged_scenes_and_strangers_out(tmp_path: Path) -> None:
    make(tmp_path / "b", 6).close()
    codes = tmp_path / "b" / "codes.bin"
    codes.write_bytes(b"\xff" + codes.read_bytes()[1:])
    with make(tmp_path / "a") as ours, CodeStore.open(tmp_path / "b") as theirs:
        done = ours.merge(theirs)
        assert done.stored == 5
        assert done.set_aside == ("/scenes/0.png: its codes are damaged (rows from 0)",)
    with (
        CodeStore.create(tmp_path / "c", "b" * 16, 64, "other") as stranger,
        CodeStore.open(tmp_path / "b") as theirs,
        pytest.raises(LineageError),
    ):
        stranger.merge(theirs)


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["add", "delete", "compact", "reopen"]), st.integers(0, 9)),
        max_size=25,
    ),
    k=st.integers(1, 40),
)
def test_whatever_is_done_a_search_finds_what_brute_force_finds(
    tmp_path: Path, steps: list[tuple[str, int]], k: int
) -> None:
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    store = CodeStore.create(folder, LINEAGE, 64, "a-model")
    held: dict[int, tuple[int, np.ndarray]] = {}  # number -> first row, codes
    rows = 0
    for step, number in steps:
        if step == "add" and number not in held:
            # Few different codes, so that ties abound.
            codes = scene(number, 1 + number % 4).codes & np.uint8(number % 2)
            plain = scene(number, 1 + number % 4)
            store.add([type(plain)(plain.content, plain.path, plain.windows, codes)])
            held[number] = rows, codes
            rows += len(codes)
        elif step == "delete":
            store.delete(Filter(scene=f"/scenes/{number}.png"))
            held.pop(number, None)
        elif step == "compact":
            store.compact()
        elif step == "reopen":
            store.close()
            store = CodeStore.open(folder, writable=True)
    query = np.full((1, 8), 1, np.uint8)
    expected = sorted(
        (int(np.bitwise_count(code ^ query[0]).sum()), first + tile)
        for first, codes in held.values()
        for tile, code in enumerate(codes)
    )[:k]
    assert [(hit.distance, hit.row) for hit in store.search(query, k)[0]] == expected
    assert store.verify() == []
    store.close()


def test_one_scene_is_read_listed_and_removed_without_a_look_at_all_others(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        store.add([placed(number, 3, (number, 40.0), ("a", "b")) for number in range(30)])
        database = store._catalog.database
        asked: set[str] = set()
        database._connection.set_trace_callback(asked.add)
        assert len(list(store.scenes_from([30, 60]))) == 2
        assert store.list_scenes(most=1).scenes[0].box is not None
        store.delete(Filter(scene="/scenes/7.png"))
        database._connection.set_trace_callback(None)
        plans = [
            step
            for query in asked
            if re.match(r"SELECT|DELETE", query) and re.search(r"\b(label|tile|block)\b", query)
            for *_, step in database.all(f"EXPLAIN QUERY PLAN {query}")
        ]
        assert any("label_by_scene" in step for step in plans)
        # Of an R*Tree, index 2 without a condition is all of it.
        assert not [step for step in plans if re.search(r"SCAN (label|tile)|INDEX 2:$", step)]
        assert store.verify() == []


def test_a_store_without_the_index_of_labels_gets_it_with_the_next_scene(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        store.add([placed(0, labels=("a",))])
    with sqlite3.connect(tmp_path / "s" / "catalog.sqlite") as catalog:
        catalog.execute("DROP INDEX label_by_scene")
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert store.verify() == []
        assert [record.labels for record, _ in store.scenes()] == [("a",)]
        store.add([placed(1, labels=("b",))])
        query = "SELECT count(*) FROM sqlite_master WHERE name = 'label_by_scene'"
        assert store._catalog.database.one(query) == (1,)
        assert store.verify() == []

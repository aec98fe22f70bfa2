"""Events are committed with their scenes or not at all, numbered for good, and kept for a while."""

import contextlib
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, Filter
from scenehash.errors import StoreDamagedError, StoreError
from scenehash.store import MOST_EVENT, Alert, Arrival
from scenehash.store.catalog.outbox import Outbox

from .samples import make, scene


def event(number: int) -> str:
    return f'{{"about": {number}}}'


def told(store: CodeStore, after: int = 0) -> list[int]:
    return [number for number, _ in store.outbox.events(after, 1000)]


def test_a_scene_its_event_and_its_file_are_committed_together(tmp_path: Path) -> None:
    file = Arrival("/scenes/5.png", 10, 2**60)
    with make(tmp_path / "s", 3) as store:
        with store.transaction():
            added = store.add([scene(1), scene(5), scene(6, 2)])
            store.outbox.note([event(row) for row in added.first_rows], [file])
            with CodeStore.open(tmp_path / "s") as other:
                assert other.outbox.newest() == 0
                assert not other.has_sound_scene(scene(5).content)
        assert store.outbox.events(0, 9) == [(1, event(6)), (2, event(7))]
    with CodeStore.open(tmp_path / "s") as store:
        assert store.outbox.events(0, 9) == [(1, event(6)), (2, event(7))]
        assert store.outbox.arrived([file.path, "/scenes/6.png"]) == {file}
        assert store.verify() == []


def test_an_event_that_cannot_be_made_takes_its_scene_with_it(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3) as store:
        with pytest.raises(ValueError, match="no event"), store.transaction():
            store.add([scene(5)])
            raise ValueError("no event")
        assert not store.has_sound_scene(scene(5).content)
        assert store.rows == 6
        assert store.add([scene(5)]).stored == 1
        assert store.search(scene(5).codes, 1)[0][0].row == 6
        assert store.verify() == []


def test_a_transaction_of_which_a_part_failed_stores_nothing(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3) as store:
        with pytest.raises(StoreError, match="the store keeps nothing of it"), store.transaction():
            store.add([scene(5)])
            with contextlib.suppress(StoreError):
                store.alerts.remove("none of that name")
        assert store.rows == 6
        assert store.verify() == []


def test_scenes_of_several_adds_are_one_transaction(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3) as store:
        with store.transaction():
            first = store.add([scene(5, 2), scene(6)])
            second = store.add([scene(6), scene(7)])
            store.quarantine.add({"/in/a.png": "the file is empty (0 bytes)"})
        assert (first.first_rows, second.first_rows, second.duplicates) == ((6, 8), (9,), 1)
        assert store.verify() == []
        for number, row in ((6, 8), (7, 9)):
            assert store.search(scene(number).codes, 1)[0][0].row == row


def test_in_a_transaction_a_scene_may_go_and_come_again(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3) as store:
        with store.transaction():
            store.add([scene(5, 2)])
            assert store.delete(Filter(scene="/scenes/5.png")) == 1
            assert store.delete(Filter(scene="/scenes/1.png")) == 1
            assert store.add([scene(5, 2), scene(1, 2)]).first_rows == (8, 10)
        assert store.verify() == []
        assert store.search(scene(5).codes, 1)[0][0].row == 8
        assert store.search(scene(1).codes, 1)[0][0].row == 10
        with pytest.raises(StoreError, match="cannot run inside another"), store.transaction():
            store.compact()
        assert store.compact() == 4
        assert store.verify() == []


def test_what_is_known_or_repaired_gets_no_new_row(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3) as store:
        added = store.add([scene(1, 2)])
        assert (added.duplicates, added.first_rows) == (1, ())
    codes = bytearray((tmp_path / "s" / "codes.bin").read_bytes())
    codes[8] ^= 1
    (tmp_path / "s" / "codes.bin").write_bytes(codes)
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        added = store.add([scene(1, 2)])
        assert (added.repaired, added.first_rows) == (1, ())


def test_numbers_are_never_given_again(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        store.outbox.note([event(1), event(2), event(3)])
        store.outbox.deliver({"stdout": 3}, 1)
        # The newest stays, for the sake of its number.
        assert told(store) == [3]
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        store.outbox.note([event(4)])
        assert told(store) == [3, 4]
        store.outbox.note([event(5)], after=900)
        assert told(store) == [3, 4, 901]


def test_an_event_after_one_of_the_last_number_is_refused(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        store.outbox.note([event(1)], after=MOST_EVENT - 1)
        for events in ([event(2), event(3)], [event(2)]):
            with pytest.raises(StoreDamagedError, match="number"):
                store.outbox.note(events)
        assert told(store) == [MOST_EVENT]


@pytest.mark.parametrize("number", [-(2**63), -3, 0, MOST_EVENT + 1, 2**62 + 3, 2**63 - 1])
def test_a_row_whose_number_no_event_has_is_damage_and_hides_no_other_event(
    tmp_path: Path, number: int
) -> None:
    with make(tmp_path / "s") as store:
        store.outbox.note([event(1), event(2), event(3)])
    with contextlib.closing(sqlite3.connect(tmp_path / "s" / "catalog.sqlite")) as database:
        database.execute("UPDATE outbox SET event = ? WHERE event = 3", (number,))
        database.commit()
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        assert (store.outbox.oldest(), store.outbox.newest()) == (1, 2)
        assert told(store) == [1, 2]
        assert [found for found, _ in store.outbox.events_before(2**63 - 1, 9)] == [2, 1]
        assert store.verify() == [f"catalog.sqlite: event {number} in the outbox is damaged"]
        store.outbox.note([event(4)], after=3)
        assert told(store) == [1, 2, 4]


def test_events_are_a_history_and_wait_for_slow_sinks_but_not_for_ever(tmp_path: Path) -> None:
    with make(tmp_path / "s") as store:
        assert (store.outbox.oldest(), store.outbox.newest()) == (0, 0)
        store.outbox.note([event(number) for number in range(1, 21)])
        store.outbox.deliver({"stdout": 20, "webhook": 4}, 100)
        assert told(store) == list(range(1, 21))
        assert store.outbox.delivered() == {"stdout": 20, "webhook": 4}
        store.outbox.deliver({"stdout": 20}, 6)
        assert told(store) == list(range(15, 21))
        assert told(store, after=18) == [19, 20]
        assert [number for number, _ in store.outbox.events_before(18, 2)] == [17, 16]
        assert (store.outbox.oldest(), store.outbox.newest()) == (15, 20)


def test_notes_of_files_and_a_quarantine_are_committed_at_once(tmp_path: Path) -> None:
    file = Arrival("/in/a.png", 1, 2)
    with make(tmp_path / "s") as store, store.transaction():
        store.outbox.note([event(1)], [file])
        store.quarantine.add({"/in/a.png": "the file is empty (0 bytes)"})
    with CodeStore.open(tmp_path / "s") as store:
        assert store.outbox.arrived(["/in/a.png"]) == {file}
        assert [(item.path, item.reason) for item in store.quarantine.list()] == [
            ("/in/a.png", "the file is empty (0 bytes)")
        ]
        with pytest.raises(StoreError, match="for reading only"):
            store.outbox.note([event(2)])


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE outbox SET body = '{}' WHERE event = 2", "event 2 in the outbox is damaged"),
        ("UPDATE outbox SET event = 9 WHERE event = 3", "event 9 in the outbox is damaged"),
        ("UPDATE outbox SET body = CAST(x'ff' AS TEXT) WHERE event = 2", "event 2 in the outbox"),
        ("UPDATE sink SET delivered = 3", "the delivery state of stdout is damaged"),
        ("UPDATE alert SET radius = 64", "alert quay: its entry in the catalog is damaged"),
        ("UPDATE alert SET examples = x'00'", "alert quay: its entry in the catalog is damaged"),
    ],
)
def test_damage_is_found_and_a_damaged_event_holds_up_no_other(
    tmp_path: Path, statement: str, said: str
) -> None:
    codes = np.zeros((1, 8), np.uint8)
    with make(tmp_path / "s") as store:
        store.outbox.note([event(1), event(2), event(3)])
        store.outbox.deliver({"stdout": 1}, 100)
        store.alerts.add(Alert("quay", 8, codes, codes[:0], ("quay.png",)))
        assert store.verify() == []
    with sqlite3.connect(tmp_path / "s" / "catalog.sqlite") as catalog:
        assert catalog.execute(statement).rowcount == 1
    with CodeStore.open(tmp_path / "s") as store:
        assert any(said in line for line in store.verify())
        assert len(store.outbox.events(1, 9)) == 2
        if "alert" in statement:
            with pytest.raises(StoreDamagedError, match="remove it"):
                store.alerts.list()
        elif "outbox" in statement:
            assert '{"kind": "damaged"}' in [body for _, body in store.outbox.events(1, 9)]


def test_an_event_without_a_body_is_damaged_and_no_error_of_python(tmp_path: Path) -> None:
    """As a page of other bytes has it: no statement could write it."""
    with make(tmp_path / "s") as store:
        store.outbox.note([event(1), event(2)])
    with contextlib.closing(sqlite3.connect(tmp_path / "s" / "catalog.sqlite")) as catalog:
        catalog.executescript(
            "CREATE TABLE other (event INTEGER PRIMARY KEY, body TEXT, seal BLOB);"
            "INSERT INTO other SELECT event, iif(event = 1, NULL, body), seal FROM outbox;"
            "DROP TABLE outbox; ALTER TABLE other RENAME TO outbox;"
        )
    with CodeStore.open(tmp_path / "s") as store:
        assert [body for _, body in store.outbox.events(0, 9)] == ['{"kind": "damaged"}', event(2)]
        assert store.verify() == ["catalog.sqlite: event 1 in the outbox is damaged"]


def test_events_out_of_order_are_damage_and_end_a_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a page of other bytes gives them, the same ones whatever is asked for."""
    asked = []

    def the_same(_: Outbox, condition: str, *__: int) -> list[tuple[int, str]]:
        asked.append(condition)
        assert len(asked) < 10
        return [(2, event(2)), (1, event(1))]

    with make(tmp_path / "s") as store:
        monkeypatch.setattr(Outbox, "_events", the_same)
        with pytest.raises(StoreDamagedError, match="the table of events in the outbox is damaged"):
            store.outbox.events(0, 9)
        assert store.verify() == ["catalog.sqlite: the table of events in the outbox is damaged"]

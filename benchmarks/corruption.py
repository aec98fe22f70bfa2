"""Is anything wrong ever shown of a store whose files are damaged? And does every answer come?

python benchmarks/corruption.py [--count 2000] [--seed 0] [--seconds 5]

A small store with everything in it (kept representations, a rule on them, an earlier generation and
links to two stations too) is damaged in one way after another: bits, ranges, pages and
whole files; values in the catalog of other kinds; files of an older copy. Each time a process of
its own reads it in every way, then writes to it. Wrong are: a hit that is not what was stored, or
does not meet its filter; hits that are lacking while verify finds no damage; any error that is not
one of scenehash's; an answer that takes longer. Exit status 1 when there was one. The last line is
JSON.
"""

import argparse
import contextlib
import json
import multiprocessing
import random
import shutil
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from scenehash import CodeStore, Filter, Hit
from scenehash.errors import ScenehashError
from scenehash.index import code_index
from scenehash.index.costs import Planner
from scenehash.link import PackOptions, apply_bundles, link_status, pack_bundle
from scenehash.store import (
    Alert,
    Arrival,
    Expected,
    HashedScene,
    Rule,
    SceneVectors,
    earlier_path,
    fitted_on,
)
from scenehash.tiling import Window

LINEAGE, BITS = "a" * 16, 64
FRAME, DIMS = "f" * 16, 24
# What could not follow the store to its model.
EARLIER_LINEAGE, EARLIER_BITS, EARLIER_SCENES = "b" * 16, 32, 5
SCENES = 40
# Two stations: the one of the store, and one whose bundles came.
NEAR, FAR, FAR_SCENES = "near", "far", range(200, 206)
# The store is small, and its index is used all the same.
EAGER = Planner(
    min_segment=20, probe_step=0, probe_window=0, probe_entry=0, probe_candidate=0, check_byte=0
)
START = datetime(2026, 1, 1, tzinfo=UTC)
FILTERS = (
    None,
    Filter(label="even"),
    Filter(scene="/scenes/7.tif"),
    Filter(bbox=(0, 0, 20, 90)),
    Filter(near=(47.0, 10.0, 300.0)),
    Filter(since=START + timedelta(days=9), until=START + timedelta(days=21)),
    Filter(newer_than=40),
    Filter(label="even", bbox=(170, -90, -170, 90)),
)
KEYS = {
    "store": "id", "scene": "scene", "tile": "row", "deleted": "first_row", "label": "scene",
    "block": "id", "alert": "name", "alert_rule": "name", "outbox": "event",
    "sink": "name", "arrival": "path", "quarantine": "path", "station": "name", "vectors": "dims",
    "link": "peer", "link_scene": "first_row", "link_annotation": "first_row",
    "link_own": "first_row",
}  # fmt: skip
VALUES = (
    0, 1, -1, 2**31, 2**62, -(2**62), 1e308, -0.5, "", "x", "[]", "{}", "[" * 5000, '{"a":',
    b"", b"\xff", b"\x00" * 64, b"\xff" * 64,
)  # fmt: skip

Key = tuple[object, ...]


def scene(number: int) -> HashedScene:
    """A scene that is made from its number alone; every third is nowhere and of no time."""
    tiles = 1 + number % 5
    draw = np.random.default_rng(number)
    plain = HashedScene(
        f"{number:032x}",
        f"/scenes/{number}.tif",
        [Window(256 * tile, 0, 256, 256) for tile in range(tiles)],
        draw.integers(0, 256, (tiles, BITS // 8), np.uint8),
        labels=("even",) if number % 2 == 0 else (),
        thumbnails=[draw.bytes(50) for _ in range(tiles)],
        vectors=SceneVectors(FRAME, draw.integers(-128, 128, (tiles, DIMS)).astype(np.int8)),
    )
    if number % 3 == 0:
        return plain
    west = float((7 * number) % 360 - 180) if number % 4 else 179.995
    ring = np.array([[0, 0], [0.01, 0], [0.01, 0.01], [0, 0.01]]) + np.array([west, 47.0])
    places = ring + np.arange(tiles)[:, None, None] * [0.01, 0.0]
    places[..., 0] = (places[..., 0] + 180) % 360 - 180
    when = START + timedelta(days=number)
    return replace(plain, time=when, footprints=places, decode_params={"bands": [3, 2, 1]})


def earlier_scene(number: int) -> HashedScene:
    """The same scene by the model of then."""
    own = scene(number)
    codes = np.ascontiguousarray(own.codes[:, : EARLIER_BITS // 8])
    return replace(own, codes=codes, vectors=None)


def alert() -> Alert:
    """An alert with a rule on representations."""
    code = scene(1).codes[:1]
    template = np.zeros((1, DIMS), np.float32)
    template[0, 0] = 1
    expected = Expected("1/day", 0.001, 0.001, 0.9, 40)
    centre, own = np.zeros(DIMS, np.float32), fitted_on(code, code[:0])
    rule = Rule("linear", FRAME, centre, template, 1, 0.25, expected, own)
    return Alert("quay", 8, code, code[:0], ("a.png",), rule=rule)


def far_bundles(root: Path) -> list[Path]:
    """Bundles of a station for the store: the first brings a scene whole, the next parts of one."""
    with CodeStore.create(root / "far", LINEAGE, BITS, "a-model") as store:
        store.name_station(FAR)
        store.add([scene(number) for number in FAR_SCENES])
    options = PackOptions(512)
    return [Path(pack_bundle(root / "far", NEAR, root, options).path) for _ in range(6)]


def make_store(folder: Path, copy: Path) -> None:
    """A store with everything in it, and a copy of it as it was halfway."""
    bundles = far_bundles(folder.parent)
    with CodeStore.create(folder, LINEAGE, BITS, "a-model") as store:
        store.keep_thumbnails()
        store.keep_vectors(FRAME, DIMS)
        store.add([scene(number) for number in range(SCENES // 2)])
        for number in (3, 4, 11):
            store.delete(Filter(scene=f"/scenes/{number}.tif"))
        store.compact()
        store.build_index()
        store.alerts.add(alert())
        store.outbox.note(['{"kind": "scene"}'] * 3, [Arrival("/in/a.tif", 5, 7)])
        store.outbox.deliver({"stdout": 2}, 100)
        store.name_station(NEAR)
    pack_bundle(folder, "ground", folder.parent)
    apply_bundles(bundles[:2], folder)
    there = earlier_path(folder, EARLIER_LINEAGE, EARLIER_BITS)
    there.parent.mkdir()
    with CodeStore.create(there, EARLIER_LINEAGE, EARLIER_BITS, "a-model-of-then") as store:
        store.add([earlier_scene(number) for number in range(EARLIER_SCENES)])
    shutil.copytree(folder, copy)
    with CodeStore.open(folder, writable=True) as store:
        store.add([scene(number) for number in range(SCENES // 2, SCENES)])
        for number in (14, 15, 30):
            store.delete(Filter(scene=f"/scenes/{number}.tif"))
        store.quarantine.add({"/in/b.tif": "the file is empty (0 bytes)"})
        store.build_index()
    pack_bundle(folder, "ground", folder.parent)
    apply_bundles(bundles[3:], folder)


@dataclass
class Truth:
    """What was stored: each row's tile and code."""

    tiles: dict[int, Key] = field(default_factory=dict)
    codes: dict[int, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> "Truth":
        truth = cls()
        with CodeStore.open(folder) as store:
            assert store.verify() == []
            for rows, codes in store.living():
                tiles = store.tiles(rows.tolist())
                for row, code in zip(rows.tolist(), codes, strict=True):
                    truth.tiles[row] = tuple(tiles[row])
                    truth.codes[row] = code.copy()
        return truth

    def nearest(self, query: np.ndarray, k: int, where: Filter | None) -> list[tuple[int, int]]:
        """The answers that a search must give, by brute force: distance and row."""
        rows = [
            row
            for row in self.codes
            if where is None or where.holds({row: store_tile(self.tiles[row])})
        ]
        found = [(int(np.bitwise_count(self.codes[row] ^ query).sum()), row) for row in rows]
        return sorted(found)[:k]


def store_tile(key: Key) -> object:
    from scenehash.store.records import Tile

    return Tile(*key)  # type: ignore[arg-type]


def damage(folder: Path, copy: Path, draw: random.Random) -> str:
    """Damage a store in one way, and say how."""
    kinds: list[tuple[int, Callable[[Path, Path, random.Random], str]]] = [
        (5, flip_bit), (2, write_range), (1, truncate), (1, swap_pages), (1, remove_file),
        (1, take_older), (6, change_value), (1, delete_entry),
    ]  # fmt: skip
    (chosen,) = draw.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])
    return chosen(folder, copy, draw)


def some_file(folder: Path, draw: random.Random) -> Path:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    catalog = folder / "catalog.sqlite"
    return draw.choice([catalog, catalog, catalog, folder / "codes.1.bin", *files])


def flip_bit(folder: Path, copy: Path, draw: random.Random) -> str:
    del copy
    path = some_file(folder, draw)
    data = bytearray(path.read_bytes())
    used = [at for at, byte in enumerate(data) if byte] or [0]
    at = draw.choice([draw.choice(used), draw.randrange(len(data))])
    data[at] ^= 1 << draw.randrange(8)
    path.write_bytes(data)
    return f"a bit of {path.name} at {at}"


def write_range(folder: Path, copy: Path, draw: random.Random) -> str:
    del copy
    path = some_file(folder, draw)
    data = bytearray(path.read_bytes())
    at = draw.randrange(len(data))
    size = draw.choice([1, 8, 64, 512, 4096])
    data[at : at + size] = draw.choice([bytes(size), draw.randbytes(size), b"\xff" * size])
    path.write_bytes(data)
    return f"{size} bytes of {path.name} at {at}"


def truncate(folder: Path, copy: Path, draw: random.Random) -> str:
    del copy
    path = some_file(folder, draw)
    size = draw.randrange(path.stat().st_size)
    with path.open("r+b") as file:
        file.truncate(size)
    return f"{path.name} cut to {size}"


def swap_pages(folder: Path, copy: Path, draw: random.Random) -> str:
    del copy
    path = folder / "catalog.sqlite"
    data = bytearray(path.read_bytes())
    a, b = (4096 * draw.randrange(len(data) // 4096) for _ in range(2))
    data[a : a + 4096], data[b : b + 4096] = data[b : b + 4096], data[a : a + 4096]
    path.write_bytes(data)
    return f"pages {a // 4096} and {b // 4096} swapped"


def remove_file(folder: Path, copy: Path, draw: random.Random) -> str:
    del copy
    path = some_file(folder, draw)
    path.unlink()
    return f"{path.name} removed"


def take_older(folder: Path, copy: Path, draw: random.Random) -> str:
    """As a backup of some files would."""
    path = some_file(copy, draw)
    there = folder / path.relative_to(copy)
    shutil.copyfile(path, there)
    return f"{path.relative_to(copy)} of an older copy"


def change_value(folder: Path, copy: Path, draw: random.Random) -> str:
    del copy
    with contextlib.closing(sqlite3.connect(folder / "catalog.sqlite")) as catalog, catalog:
        table = draw.choice(["scene", "tile", *KEYS])
        columns = [name for _, name, *_ in catalog.execute(f"PRAGMA table_info({table})")]
        entry = KEYS[table]
        entries = [one for (one,) in catalog.execute(f"SELECT {entry} FROM {table}")]
        column, value, at = draw.choice(columns), draw.choice(VALUES), draw.choice([*entries, 0])
        place = "CAST(? AS TEXT)" if draw.random() < 0.1 else "?"
        statement = f"UPDATE OR IGNORE {table} SET {column} = {place} WHERE {entry} = ?"
        with contextlib.suppress(sqlite3.Error):
            catalog.execute(statement, (value, at))
    return f"{table}.{column} = {value!r:.20} where {entry} = {at!r:.20}"


def delete_entry(folder: Path, copy: Path, draw: random.Random) -> str:
    del copy
    with contextlib.closing(sqlite3.connect(folder / "catalog.sqlite")) as catalog, catalog:
        table = draw.choice(list(KEYS))
        entries = [one for (one,) in catalog.execute(f"SELECT {KEYS[table]} FROM {table}")]
        at = draw.choice([*entries, 0])
        catalog.execute(f"DELETE FROM {table} WHERE {KEYS[table]} = ?", (at,))
    return f"{table} where {KEYS[table]} = {at!r:.20} deleted"


class Reading:
    """Everything that can be read of a store, compared with what was stored."""

    def __init__(self, folder: Path, truth: Truth, draw: random.Random, seconds: float) -> None:
        self.wrong: list[str] = []
        self.refused = 0
        self.answers = 0
        self._lacking: list[str] = []
        self._folder, self._truth, self._draw, self._seconds = folder, truth, draw, seconds

    def run(self) -> None:
        """Open, read, verify, write."""
        with self._step("open"), CodeStore.open(self._folder) as store:
            self._read(store)
        earlier = earlier_path(self._folder, EARLIER_LINEAGE, EARLIER_BITS)
        with self._step("open earlier"), CodeStore.open(earlier) as store:
            self._read_earlier(store)
        with self._step("write"), CodeStore.open(self._folder, writable=True) as store:
            self._write(store)
            self._read(store)
        self._link()

    def _read(self, store: CodeStore) -> None:
        self._lacking = []
        rows = self._draw.sample(sorted(self._truth.codes), 6)
        for where in FILTERS:
            for row in rows[:3]:
                with self._step(f"search {where}"):
                    self._search(store, self._truth.codes[row] ^ np.uint8(1), where)
        for row in rows:
            with self._step("tile"):
                self._compare(row, tuple(store.tile(row)))
            with self._step("codes"):
                if not np.array_equal(store.codes(np.array([row]))[0], self._truth.codes[row]):
                    self.wrong.append(f"the code of row {row}")
        known = set(self._truth.tiles)
        for where in FILTERS[1:]:
            with self._step(f"paths {where}"):
                store.paths(where)
        for name, answer in self._answers(store):
            with self._step(name):
                answer()
        with self._step("scenes"):
            for record, codes in store.scenes():
                for row, code in enumerate(codes, start=record.first_row):
                    if row in known and not np.array_equal(code, self._truth.codes[row]):
                        self.wrong.append(f"the code of row {row} of a scene")
        with self._step("verify"):
            if not store.verify() and self._lacking:
                self.wrong.append(f"no damage, but {self._lacking[0]}")

    def _answers(self, store: CodeStore) -> Iterator[tuple[str, Callable[[], object]]]:
        yield "refresh", store.refresh
        yield "counts", store.counts
        yield "has_sound_scene", lambda: store.has_sound_scene(scene(7).content)
        yield "alerts", lambda: self._alerts(store)
        yield "vectors", lambda: self._vectors(store)
        yield "vectors_by_scene", lambda: list(store.vectors_by_scene())
        yield "vector_count", store.vector_count
        yield "vectors_missing", store.vectors_missing
        yield "earlier", store.earlier
        yield "quarantine", store.quarantine.list
        yield "events", lambda: store.outbox.events(0, 99)
        yield "delivered", store.outbox.delivered
        yield "arrived", lambda: store.outbox.arrived(["/in/a.tif"])
        yield "thumbnails", lambda: self._thumbnails(store)
        yield "thumbnail_count", store.thumbnail_count
        yield "by_scene", lambda: list(store.thumbnails_by_scene())
        yield "living", lambda: list(store.living())
        yield "under", lambda: store.records_under("/scenes")
        yield "damaged", store.damaged_paths
        yield "label_counts", store.label_counts
        yield "times", lambda: store.time_histogram(9)
        yield "tiles_a_day", store.tiles_a_day
        yield "list_scenes", lambda: store.list_scenes(Filter(label="even"))
        yield "scene_file", lambda: store.scene_file(scene(7).content)
        yield "station", lambda: self._station(store)
        yield "links", store.links.damage
        yield "link_status", lambda: link_status(self._folder)
        yield "resolve", lambda: store.resolve(Filter(label="even", scene="8.tif"))

    def _write(self, store: CodeStore) -> None:
        fresh = self._draw.randrange(1000, 2000)
        writes: list[tuple[str, Callable[[], object]]] = [
            ("add", lambda: store.add([scene(fresh), scene(fresh + 3000)])),
            ("again", lambda: store.add([scene(number) for number in (7, 8, 20)])),
            ("label", lambda: store.label(Filter(scene="/scenes/8.tif"), ())),
            ("update", lambda: store.update_scene(scene(7).content)),
            ("note", lambda: store.outbox.note(["{}"])),
            ("deliver", lambda: store.outbox.deliver({"stdout": 3}, 2)),
            ("quarantine", lambda: store.quarantine.remove(["/in/b.tif"])),
            ("delete", lambda: store.delete(Filter(scene=f"/scenes/{fresh}.tif"))),
            ("compact", store.compact),
            ("index", store.build_index),
            ("thumbnails", store.keep_thumbnails),
            ("vectors", lambda: store.keep_vectors(FRAME, DIMS)),
        ]
        for name, write in writes:
            with self._step(name):
                write()
        with (
            self._step("merge"),
            tempfile.TemporaryDirectory() as folder,
            CodeStore.create(Path(folder) / "s", LINEAGE, BITS, "a-model") as other,
        ):
            other.merge(store)
            if other.verify():
                self.wrong.append("a merge took damage along")

    def _link(self) -> None:
        root = self._folder.parent
        with self._step("apply"), tempfile.TemporaryDirectory() as name:
            packed = pack_bundle(self._folder, "another", Path(name))
            (applied,) = apply_bundles([packed.path], Path(name) / "another")
            if applied.set_aside:
                self.wrong.append(f"a bundle that cannot be applied: {applied.set_aside}")
            with CodeStore.open(Path(name) / "another") as other:
                if other.verify():
                    self.wrong.append("a bundle took damage along")
                for record, codes in other.scenes():
                    own = scene(int(Path(record.path).stem))
                    if record.content != own.content or not np.array_equal(codes, own.codes):
                        self.wrong.append(f"a bundle has {record.path} otherwise")
        for bundle in sorted(root.glob("far-*.shlb")):
            with self._step("apply"):
                for line in apply_bundles([bundle], self._folder)[0].set_aside:
                    if "\n" in line or "Error" in line:
                        self.wrong.append(f"set aside: {line}")
        with self._step("status"):
            link_status(self._folder)

    def _station(self, store: CodeStore) -> None:
        """What is called another station's is that."""
        for path in store.paths(store.resolve(Filter(station=FAR))):
            if int(Path(path).stem) not in FAR_SCENES:
                self.wrong.append(f"{path} is said to be of another station")

    def _search(self, store: CodeStore, query: np.ndarray, where: Filter | None) -> None:
        (hits,) = store.search(query[None], 7, where=where)
        order = [(hit.distance, hit.row) for hit in hits]
        if order != sorted(set(order)):
            self.wrong.append(f"hits out of order by {where}")
        for hit in hits:
            self._check(hit, query, where)
        missing = set(self._truth.nearest(query, 7, where)) - set(order)
        if missing and not any(hit.row not in self._truth.tiles for hit in hits):
            self._lacking.append(f"{len(missing)} hits are lacking by {where}")

    def _check(self, hit: Hit, query: np.ndarray, where: Filter | None) -> None:
        if hit.row not in self._truth.tiles:
            # Stored while this store was written to; that is compared by its number.
            number = int(Path(hit.scene).stem) if Path(hit.scene).stem.isdigit() else -1
            own = scene(number) if number >= 0 else None
            tile = hit.window.x // 256
            same = own is not None and hit.window in own.windows
            if not same or np.bitwise_count(own.codes[tile] ^ query).sum() != hit.distance:
                self.wrong.append(f"a hit that was never stored: {hit}")
            return
        self._compare(hit.row, (hit.scene, hit.window, hit.time, hit.footprint, hit.labels,
                                hit.decode_params))  # fmt: skip
        distance = np.bitwise_count(self._truth.codes[hit.row] ^ query).sum()
        if distance != hit.distance:
            self.wrong.append(f"row {hit.row} at {hit.distance} bits, which is at {distance}")
        if where is not None and not where.holds({hit.row: store_tile(self._truth.tiles[hit.row])}):
            self.wrong.append(f"row {hit.row} does not meet {where}")

    def _compare(self, row: int, shown: Key) -> None:
        if shown != self._truth.tiles[row]:
            self.wrong.append(f"row {row} is shown as {shown}")

    def _thumbnails(self, store: CodeStore) -> None:
        for row, jpeg in store.thumbnails.of(sorted(self._truth.tiles)).items():
            path, window, *_ = self._truth.tiles[row]
            own = scene(int(Path(str(path)).stem))
            if jpeg != (own.thumbnails or ())[window.x // 256]:  # type: ignore[attr-defined]
                self.wrong.append(f"the thumbnail of row {row}")

    def _vectors(self, store: CodeStore) -> None:
        if (store.vectors.frame, store.vectors.dims) != (FRAME, DIMS):
            return  # as good as none
        there, vectors = store.vectors.read(np.array(sorted(self._truth.tiles), np.int64))
        for row, vector in zip(there.tolist(), vectors, strict=True):
            path, window, *_ = self._truth.tiles[row]
            own = scene(int(Path(str(path)).stem)).vectors
            if not np.array_equal(vector, own.values[window.x // 256]):  # type: ignore
                self.wrong.append(f"the representation of row {row}")

    def _alerts(self, store: CodeStore) -> None:
        for found in store.alerts.list():
            same = (found.name, found.radius, found.sources) == ("quay", 8, ("a.png",))
            same &= np.array_equal(found.examples, alert().examples)
            if found.rule is not None:
                same &= found.rule.document() == alert().rule.document()  # type: ignore
                same &= np.array_equal(found.rule.templates, alert().rule.templates)  # type: ignore
            if not same:
                self.wrong.append(f"an alert is shown as {found}")

    def _read_earlier(self, store: CodeStore) -> None:
        for number in range(EARLIER_SCENES):
            with self._step("search earlier"):
                (hits,) = store.search(earlier_scene(number).codes[:1], 5)
                for hit in hits:
                    own = earlier_scene(int(Path(hit.scene).stem))
                    far = own.codes[hit.window.x // 256] ^ earlier_scene(number).codes[0]
                    if np.bitwise_count(far).sum() != hit.distance:
                        self.wrong.append(f"a wrong hit of an earlier generation: {hit}")
        with self._step("verify earlier"):
            store.verify()

    @contextlib.contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
            self.answers += 1
        except ScenehashError as error:
            self.refused += 1
            if "\n" in str(error):
                self.wrong.append(f"{name}: an error of several lines: {error}")
        except BaseException:
            self.wrong.append(f"{name}: {traceback.format_exc()}")
        taken = time.monotonic() - started
        if name not in ("open", "open earlier", "write") and taken > self._seconds:
            self.wrong.append(f"{name}: took {taken:.1f} s")


def read(folder: Path, truth: Truth, seed: int, seconds: float, said: Connection) -> None:
    code_index.Planner = lambda: EAGER  # type: ignore[assignment,misc]
    reading = Reading(folder, truth, random.Random(seed), seconds)
    reading.run()
    said.send((reading.answers, reading.refused, reading.wrong))


def trial(
    root: Path, truths: tuple[Truth, Truth], seed: int, seconds: float
) -> tuple[str, int, int, list[str]]:
    """Damage a copy of the store, and read it: what was done, answers, refusals, what was wrong.

    truths: of the store, and of its older copy.
    """
    folder = root / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / "s", folder)
    how = damage(folder, root / "older", random.Random(seed))
    # With the catalog of an older copy, it is that: what is newer beside it must not show.
    truth = truths[how == "catalog.sqlite of an older copy"]
    fork = multiprocessing.get_context("fork")
    said, saying = fork.Pipe(duplex=False)
    process = fork.Process(target=read, args=(folder, truth, seed, seconds, saying))
    process.start()
    saying.close()
    try:
        answer = said.recv() if said.poll(20 * seconds) else (0, 0, ["no answer: it hangs"])
    except EOFError:
        answer = (0, 0, ["the process died"])
    process.kill()
    process.join()
    return how, *answer


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0, help="that an answer may take")
    given = parser.parse_args()
    code_index.Planner = lambda: EAGER  # type: ignore[assignment,misc]
    totals: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make_store(root / "s", root / "older")
        truths = Truth.of(root / "s"), Truth.of(root / "older")
        for number in range(given.count):
            seed = given.seed + number
            how, answers, refused, wrong = trial(root, truths, seed, given.seconds)
            totals.update(answers=answers, refused=refused, untouched=not refused)
            totals.update(wrong=bool(wrong), corruptions=1)
            for line in wrong[:3]:
                print(f"seed {seed}, {how}: {line}", flush=True)
    print(json.dumps(dict(totals)))
    return 1 if totals["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())

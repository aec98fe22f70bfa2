"""What a store knows of its links: which scenes of which stations it holds, and how far each is.

How far a link is, is a document of the room link; here it is kept with a checksum, in the
transaction of what it is about.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from .database import Database, Transacting, damaged_values
from .records import digest

LINK_SCHEMA = """
CREATE TABLE IF NOT EXISTS link (
    way TEXT NOT NULL,
    peer TEXT NOT NULL,
    state TEXT NOT NULL,
    seal BLOB NOT NULL,
    PRIMARY KEY (way, peer)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS link_scene (
    store TEXT NOT NULL,
    first_row INTEGER NOT NULL,
    tiles INTEGER NOT NULL,
    content BLOB NOT NULL,
    digest BLOB NOT NULL,
    number INTEGER NOT NULL,
    same INTEGER NOT NULL,
    brought INTEGER NOT NULL,
    PRIMARY KEY (store, first_row)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS link_scene_by_content ON link_scene (content);
CREATE TABLE IF NOT EXISTS link_annotation (
    store TEXT NOT NULL,
    first_row INTEGER NOT NULL,
    digest BLOB NOT NULL,
    number INTEGER NOT NULL,
    mark BLOB NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (store, first_row, digest)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS link_own (
    first_row INTEGER PRIMARY KEY,
    seal TEXT NOT NULL,
    digest BLOB NOT NULL,
    mark BLOB NOT NULL,
    change INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS link_piece (
    store TEXT NOT NULL,
    first_row INTEGER NOT NULL,
    start INTEGER NOT NULL,
    tiles INTEGER NOT NULL,
    number INTEGER NOT NULL,
    piece BLOB NOT NULL,
    PRIMARY KEY (store, first_row, start)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS link_picture (
    store TEXT NOT NULL,
    row INTEGER NOT NULL,
    jpeg BLOB NOT NULL,
    PRIMARY KEY (store, row)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS link_part (
    store TEXT NOT NULL,
    file BLOB NOT NULL,
    start INTEGER NOT NULL,
    part BLOB NOT NULL,
    PRIMARY KEY (store, file, start)
);
"""
SCENES = "SELECT store, first_row, tiles, content, digest, number, same, brought FROM link_scene"
BY_STORE = ("link_scene", "link_annotation", "link_piece", "link_picture", "link_part")
NOT_FORGOTTEN = "json_extract(state, '$.forgotten') IS NULL"
DAMAGED = "what the catalog has of links is damaged; see: scenehash store verify"

OWN = "own"

# What was sent to a peer and asked of it, by its name; what came from a store and was asked by it,
# by its id; what this store counts of itself.
Way = Literal["to", "questions", "from", "asked", "own"]
# What is numbered for a peer, and where its state has the last number.
NUMBERED: tuple[tuple[Way, str], ...] = (("to", "number"), ("questions", "last"))


class LinkedScene(NamedTuple):
    """A scene of a station that this store holds.

    store: the id of the station's store. first_row, tiles: its rows there. digest: what both ends
    count it by. number: of the bundle that brought it. is_same: whether its tiles are those that
    this store has of the content; another station may have cut the scene otherwise. is_brought:
    whether it came by a link, and goes when all stations have deleted it.
    """

    store: str
    first_row: int
    tiles: int
    content: bytes
    digest: bytes
    number: int
    is_same: bool
    is_brought: bool

    @property
    def end(self) -> int:
        """One more than its last row."""
        return self.first_row + self.tiles


class Annotation(NamedTuple):
    """What may change of a scene while its tiles stay, as its station has it.

    number: of the bundle that said so. mark: what both ends count it by.
    """

    number: int
    path: str
    labels: tuple[str, ...]
    mark: bytes


class OwnScene(NamedTuple):
    """A scene of this store as its peers count it.

    seal: the checksum of the record of which that was computed. mark: of its annotation. change:
    the number of the last change of that; 0 for one that has not changed since it was counted.
    """

    first_row: int
    seal: str
    digest: bytes
    mark: bytes
    change: int


class WaitingPiece(NamedTuple):
    """A part of a scene whose other parts have not come yet: as a block has it; number: of the
    bundle that brought it."""

    start: int
    tiles: int
    number: int
    data: bytes


class Links:
    """What changes it is durable when it returns; inside a transaction of the store, with that."""

    def __init__(self, database: Database, transaction: Transacting) -> None:
        self._database, self._transaction = database, transaction

    def peers(self, way: Way) -> list[str]:
        """The peers that there is a state of."""
        if not self._are_made():
            return []
        found = self._database.all(
            f"SELECT peer FROM link WHERE way = ? AND {NOT_FORGOTTEN} ORDER BY peer", way
        )
        return [peer for (peer,) in found]

    def state(self, way: Way, peer: str) -> dict[str, Any]:
        """How far the link is; empty for one that has not begun. StoreDamagedError."""
        if not self._are_made():
            return {}
        query = "SELECT state, seal FROM link WHERE way = ? AND peer = ?"
        found = self._database.one(query, way, peer)
        with damaged_values(DAMAGED):
            if found is None:
                return {}
            if _seal(way, peer, found[0]) != found[1]:
                raise ValueError("another checksum")
            state: dict[str, Any] = json.loads(found[0])
        return state

    def keep(self, way: Way, peer: str, state: Mapping[str, Any]) -> None:
        """Store the state."""
        text = json.dumps(state, separators=(",", ":"))
        with self._changing():
            self._database.run(
                "INSERT OR REPLACE INTO link VALUES (?, ?, ?, ?)",
                (way, peer, text, _seal(way, peer, text)),
            )

    def forget_peer(self, peer: str) -> None:
        """Forget what was sent to a peer, and asked of it, by its name.

        The last numbers of both stay: another bundle of one of them would count as known.
        """
        with self._changing():
            for way, last in NUMBERED:
                if state := self.state(way, peer):
                    self.keep(way, peer, {last: state.get(last, 0), "forgotten": True})

    def forget_store(self, store: str) -> None:
        """Forget what has come from a store, and was asked by it, by its id."""
        with self._changing():
            self._database.run(
                "DELETE FROM link WHERE way IN ('from', 'asked') AND peer = ?", [store]
            )
            for table in BY_STORE:
                self._database.run(f"DELETE FROM {table} WHERE store = ?", [store])

    def damage(self) -> list[str]:
        """List the damage, a line each."""
        if not self._are_made():
            return []
        return [
            f"the saved progress of the link {way} {peer} is damaged"
            for way, peer, state, checksum in self._database.all("SELECT * FROM link")
            if _seal(way, peer, state) != checksum
        ]

    def scenes(self, store: str, start: int = 0, end: int = 1 << 62) -> list[LinkedScene]:
        """The scenes of a store of which a tile is in rows start to before end, by first row."""
        if not self._are_made():
            return []
        found = self._database.all(
            f"{SCENES} WHERE store = ? AND first_row < ? AND first_row + tiles > ? "
            "ORDER BY first_row",
            store,
            end,
            start,
        )
        return _scenes(found)

    def of_content(self, content: bytes) -> list[LinkedScene]:
        """The scenes of this content, of all stores."""
        if not self._are_made():
            return []
        return _scenes(self._database.all(f"{SCENES} WHERE content = ?", content))

    def put(self, scenes: Sequence[LinkedScene]) -> None:
        """Add scenes, each in the place of any of its store in the same rows."""
        with self._changing():
            self._database.run_all(
                "INSERT OR REPLACE INTO link_scene VALUES (?, ?, ?, ?, ?, ?, ?, ?)", scenes
            )

    def forget(self, scenes: Sequence[LinkedScene]) -> None:
        """Remove scenes, with their annotations."""
        with self._changing():
            self._database.run_all(
                "DELETE FROM link_scene WHERE store = ? AND first_row = ?",
                [(scene.store, scene.first_row) for scene in scenes],
            )
            self._database.run_all(
                "DELETE FROM link_annotation WHERE store = ? AND first_row = ? AND digest = ?",
                [(scene.store, scene.first_row, scene.digest) for scene in scenes],
            )

    def forget_numbers(self, store: str) -> None:
        """Forget bundle numbers: the next bundle of a store counts as newer than its scenes."""
        with self._changing():
            for table in ("link_scene", "link_annotation", "link_piece"):
                self._database.run(f"UPDATE {table} SET number = 0 WHERE store = ?", (store,))

    def annotation(self, store: str, first_row: int, digest: bytes) -> Annotation | None:
        """What a station says of a scene by its first row and digest, even of one that has not
        come."""
        if not self._are_made():
            return None
        found = self._database.one(
            "SELECT number, mark, words FROM link_annotation "
            "WHERE store = ? AND first_row = ? AND digest = ?",
            store,
            first_row,
            digest,
        )
        with damaged_values(DAMAGED):
            return None if found is None else _annotation(*found)

    def annotate(self, store: str, first_row: int, digest: bytes, to: Annotation) -> None:
        """Store the annotation."""
        words = json.dumps([to.path, *to.labels])
        with self._changing():
            self._database.run(
                "INSERT OR REPLACE INTO link_annotation VALUES (?, ?, ?, ?, ?, ?)",
                (store, first_row, digest, to.number, to.mark, words),
            )

    def labels_of(self, content: bytes) -> set[str]:
        """The labels that a scene of this content has at any station."""
        query = (
            "SELECT number, mark, words FROM link_annotation NATURAL JOIN "
            "(SELECT store, first_row, digest FROM link_scene WHERE content = ?)"
        )
        with damaged_values(DAMAGED):
            found = [_annotation(*values) for values in self._database.all(query, content)]
        return {label for annotation in found for label in annotation.labels}

    def marks(self, store: str) -> list[tuple[int, bytes]]:
        """First row of each scene of a store, and what its annotation is counted by, by row."""
        query = (
            "SELECT first_row, mark FROM link_annotation NATURAL JOIN "
            "(SELECT store, first_row, digest FROM link_scene WHERE store = ?) ORDER BY first_row"
        )
        return [(row, bytes(mark)) for row, mark in self._database.all(query, store)]

    def forget_annotations(self, store: str, start: int, end: int) -> None:
        """Remove what is said of scenes whose first rows are from start to before end."""
        with self._changing():
            self._database.run(
                "DELETE FROM link_annotation WHERE store = ? AND first_row >= ? AND first_row < ?",
                (store, start, end),
            )

    def own(self) -> list[OwnScene]:
        """The scenes of this store that were counted, by first row."""
        if not self._are_made():
            return []
        found = self._database.all("SELECT * FROM link_own ORDER BY first_row")
        return [OwnScene(*values) for values in found]

    def put_own(self, scenes: Sequence[OwnScene], changes: int) -> None:
        """Add scenes of this store, each in the place of any in its first row; changes: how many
        changes of annotations there have been."""
        with self._changing():
            self._database.run_all("INSERT OR REPLACE INTO link_own VALUES (?, ?, ?, ?, ?)", scenes)
            self.keep("own", OWN, {"changes": changes})

    def own_changes(self) -> int:
        """How many changes of annotations there have been; no number is given twice."""
        return int(self.state("own", OWN).get("changes", 0))

    def forget_own(self, rows: Sequence[int]) -> None:
        """Remove those in first rows."""
        with self._changing():
            self._database.run_all(
                "DELETE FROM link_own WHERE first_row = ?", [(row,) for row in rows]
            )

    def pieces(self, store: str, first_row: int) -> list[WaitingPiece]:
        """The pieces of a scene that wait for others, by their start."""
        found = self._database.all(
            "SELECT start, tiles, number, piece FROM link_piece WHERE store = ? AND first_row = ? "
            "ORDER BY start, tiles DESC",
            store,
            first_row,
        )
        return [WaitingPiece(*values) for values in found]

    def waiting(self, store: str) -> list[tuple[int, int]]:
        """The rows (start, end) whose tiles are there, and their scenes not whole."""
        if not self._are_made():
            return []
        query = (
            "SELECT first_row + start, first_row + start + tiles FROM link_piece WHERE store = ?"
        )
        return [(start, end) for start, end in self._database.all(query, store)]

    def put_piece(self, store: str, first_row: int, piece: WaitingPiece) -> None:
        """Keep a piece until its scene is whole."""
        with self._changing():
            self._database.run(
                "INSERT OR REPLACE INTO link_piece VALUES (?, ?, ?, ?, ?, ?)",
                (store, first_row, *piece),
            )

    def forget_pieces(self, store: str, start: int, end: int) -> None:
        """Remove pieces of scenes whose first rows are from start to before end."""
        with self._changing():
            self._database.run(
                "DELETE FROM link_piece WHERE store = ? AND first_row >= ? AND first_row < ?",
                (store, start, end),
            )

    def pictures(self, store: str) -> dict[int, bytes]:
        """The small pictures of rows whose tiles have not come yet."""
        if not self._are_made():
            return {}
        query = "SELECT row, jpeg FROM link_picture WHERE store = ?"
        return {row: bytes(jpeg) for row, jpeg in self._database.all(query, store)}

    def put_pictures(self, store: str, pictures: Mapping[int, bytes]) -> None:
        """Keep small pictures by row until their tiles have come."""
        with self._changing():
            self._database.run_all(
                "INSERT OR REPLACE INTO link_picture VALUES (?, ?, ?)",
                [(store, row, jpeg) for row, jpeg in pictures.items()],
            )

    def forget_pictures(self, store: str, rows: Sequence[int]) -> None:
        """Remove small pictures of rows."""
        with self._changing():
            self._database.run_all(
                "DELETE FROM link_picture WHERE store = ? AND row = ?",
                [(store, row) for row in rows],
            )

    def put_part(self, store: str, file: bytes, start: int, part: bytes) -> None:
        """Keep a part of a file, by the file's digest, until the others have come."""
        with self._changing():
            self._database.run(
                "INSERT OR REPLACE INTO link_part VALUES (?, ?, ?, ?)", (store, file, start, part)
            )

    def part_bytes(self, store: str, file: bytes) -> int:
        """How many bytes of a file have come."""
        query = "SELECT coalesce(sum(length(part)), 0) FROM link_part WHERE store = ? AND file = ?"
        return int(self._database.one(query, store, file)[0])

    def waiting_bytes(self, store: str) -> int:
        """The bytes kept of incomplete files."""
        if not self._are_made():
            return 0
        query = "SELECT coalesce(sum(length(part)), 0) FROM link_part WHERE store = ?"
        return int(self._database.one(query, store)[0])

    def parts(self, store: str, file: bytes) -> list[bytes]:
        """The parts of a file, in their order."""
        query = "SELECT part FROM link_part WHERE store = ? AND file = ? ORDER BY start"
        return [bytes(part) for (part,) in self._database.all(query, store, file)]

    def forget_parts(self, store: str, file: bytes) -> None:
        """Remove the parts of a file."""
        with self._changing():
            self._database.run("DELETE FROM link_part WHERE store = ? AND file = ?", (store, file))

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """A transaction in which the tables are there."""
        with self._transaction():
            if not self._are_made():
                for statement in LINK_SCHEMA.split(";")[:-1]:
                    self._database.run(statement)
            yield

    def _are_made(self) -> bool:
        query = "SELECT count(*) FROM sqlite_master WHERE name = 'link_part'"
        return bool(self._database.one(query)[0])


def linked_stations(database: Database) -> list[str]:
    """The names of the stations that scenes have come from."""
    if not database.one("SELECT count(*) FROM sqlite_master WHERE name = 'link_part'")[0]:
        return []
    query = "SELECT DISTINCT json_extract(state, '$.name') FROM link WHERE way = 'from' ORDER BY 1"
    return [str(name) for (name,) in database.all(query)]


def linked_condition(database: Database, station: str) -> tuple[str, list[str]]:
    """The SQL condition for scenes that this store has as a station has them, and its values."""
    query = "SELECT peer FROM link WHERE way = 'from' AND json_extract(state, '$.name') = ?"
    stores = [str(peer) for (peer,) in database.all(query, station)]
    places = ", ".join("?" * len(stores))
    linked = f"SELECT content FROM link_scene WHERE same AND store IN ({places})"
    return f"scene.content IN ({linked})", stores


def _annotation(number: int, mark: bytes, words: str) -> Annotation:
    path, *labels = json.loads(words)
    return Annotation(number, path, tuple(labels), bytes(mark))


def _scenes(found: Sequence[Any]) -> list[LinkedScene]:
    with damaged_values(DAMAGED):
        return [
            LinkedScene(*values)._replace(is_same=bool(values[-2]), is_brought=bool(values[-1]))
            for values in found
        ]


def _seal(way: str, peer: str, state: str) -> bytes:
    return digest(repr((way, peer, state)).encode())

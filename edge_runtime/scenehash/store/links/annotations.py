"""store.links.annotations: labels and paths that stations give their scenes."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..catalog.database import damaged_values
from ..catalog.link_tables import DAMAGED, LinkTables, sound


class Annotation(NamedTuple):
    """The data of a scene that may change without its tiles, from its station.

    number: of the bundle that brought it. mark: its contribution to the digest of both ends.
    """

    number: int
    path: str
    labels: tuple[str, ...]
    mark: bytes


class Annotations:
    """The annotations of scenes, also of scenes that have not arrived."""

    def __init__(self, tables: LinkTables) -> None:
        self._tables = tables

    def get(self, store: str, first_row: int, digest: bytes) -> Annotation | None:
        """The annotation of a scene by first row and digest, even before the scene arrives."""
        if not self._tables.are_made():
            return None
        found = self._tables.database.one(
            "SELECT number, mark, words FROM link_annotation "
            "WHERE store = ? AND first_row = ? AND digest = ?",
            store,
            first_row,
            digest,
        )
        return None if found is None else _annotation(found)

    def put(self, store: str, first_row: int, digest: bytes, to: Annotation) -> None:
        """Store the annotation."""
        words = json.dumps([to.path, *to.labels])
        with self._tables.changing() as database:
            database.run(
                "INSERT OR REPLACE INTO link_annotation VALUES (?, ?, ?, ?, ?, ?)",
                (store, first_row, digest, to.number, to.mark, words),
            )

    def labels_of(self, content: bytes) -> set[str]:
        """The labels of scenes with this content at any station."""
        query = (
            "SELECT number, mark, words FROM link_annotation NATURAL JOIN "
            "(SELECT store, first_row, digest FROM link_scene WHERE content = ?)"
        )
        found = [_annotation(values) for values in self._tables.database.all(query, content)]
        return {label for annotation in found for label in annotation.labels}

    def marks(self, store: str) -> list[tuple[int, bytes]]:
        """First row of each scene of a store, and the mark of its annotation, by row."""
        query = (
            "SELECT first_row, mark FROM link_annotation NATURAL JOIN "
            "(SELECT store, first_row, digest FROM link_scene WHERE store = ?) ORDER BY first_row"
        )
        found = self._tables.database.all(query, store)
        return [(row, mark) for row, mark in sound(found, int, bytes)]

    def forget(self, store: str, start: int, end: int) -> None:
        """Remove annotations of scenes whose first rows are from start to before end."""
        with self._tables.changing() as database:
            database.run(
                "DELETE FROM link_annotation WHERE store = ? AND first_row >= ? AND first_row < ?",
                (store, start, end),
            )


def _annotation(found: Sequence[Any]) -> Annotation:
    ((number, mark, words),) = sound([found], int, bytes, str)
    with damaged_values(DAMAGED):
        path, *labels = json.loads(words)
        sound([(path, *labels)], *[str] * (1 + len(labels)))
        return Annotation(number, path, tuple(labels), mark)

"""The whole work of a device on the tiles of the package: ingest, search, contact sheet."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scenehash.errors import InputError
from scenehash.ingestion import ingest
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT, Progress
from scenehash.report.contact_sheet import SheetLine, contact_sheet, write_picture
from scenehash.retrieval.pictures import query_pixels
from scenehash.retrieval.query import Query
from scenehash.retrieval.search import search
from scenehash.store import CodeStore, Hit

from .tiles import KINDS, archive_paths, query_path

HITS = 6


@dataclass(frozen=True)
class Search:
    """One search of the demo: a query of one kind, and its hits."""

    kind: str
    query: Query
    hits: Sequence[Hit]

    def right(self) -> int:
        """The number of hits of the query's kind, by their file's folder."""
        return sum(Path(hit.scene).parent.name == self.kind for hit in self.hits)

    def document(self) -> dict[str, object]:
        """The search as plain values for JSON."""
        hits = [hit.document() for hit in self.hits]
        return {"query": str(self.query), "right": self.right(), "hits": hits}


@dataclass(frozen=True)
class Demo:
    """The results of the demo, and their places."""

    store: Path
    sheet: Path
    scenes: int
    searches: list[Search]

    def document(self) -> dict[str, object]:
        """All of it as plain values."""
        return {
            "scenes": self.scenes,
            "store": str(self.store),
            "sheet": str(self.sheet),
            "searches": [search.document() for search in self.searches],
        }


def run_demo(folder: Path, model: HashModel, progress: Progress = SILENT) -> Demo:
    """Copy the package's tiles into a folder, ingest the archive, search with each query.

    The queries are not in the archive. A second run finds the scenes in the store already. Raises
    StoreError or InputError when the folder cannot be written to.
    """
    scenes = [_copy(path, folder / "scenes") for kind in KINDS for path in archive_paths(kind)]
    queries = {kind: _copy(query_path(kind), folder / "queries") for kind in KINDS}
    with CodeStore.for_model(folder / "store", model) as store:
        ingest(scenes, store, model, progress=progress)
        searches = [_search(kind, path, store, model) for kind, path in queries.items()]
    sheet = folder / "hits.png"
    write_picture(sheet, contact_sheet([_line(search) for search in searches]))
    return Demo(folder / "store", sheet, len(scenes), searches)


def _search(kind: str, path: Path, store: CodeStore, model: HashModel) -> Search:
    found = search(store, path, HITS, model=model)
    return Search(kind, found.queries[0], found.hits)


def _line(search: Search) -> SheetLine:
    return SheetLine(query_pixels(search.query), search.kind, search.hits)


def _copy(tile: Path, folder: Path) -> Path:
    """Copy a tile into a folder, under its kind's name and its own."""
    copied = folder / tile.parent.name / tile.name
    try:
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tile, copied)
    except OSError as error:
        raise InputError(f"{copied}: cannot be written ({error.strerror})") from error
    return copied

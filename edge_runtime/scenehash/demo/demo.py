"""The device's whole job on drawn scenes: draw, ingest, search, contact sheet."""

from dataclasses import dataclass
from pathlib import Path

from scenehash.errors import InputError
from scenehash.ingestion.pipeline import ingest
from scenehash.model.hash_model import HashModel
from scenehash.report.contact_sheet import SheetLine, contact_sheet, write_picture
from scenehash.scenes import find_scenes
from scenehash.scenes.decoding import read_image
from scenehash.store import CodeStore, Hit
from scenehash.tiles import Image

from .drawn_scenes import KINDS, archive, draw

PER_KIND = 8
HITS = 6
ARCHIVE_SEED, QUERY_SEED = 1, 1_000_000


@dataclass(frozen=True)
class Search:
    """One search of the demo: a scene of one kind, and what it found."""

    kind: str
    query: Path
    hits: list[Hit]

    def right(self) -> int:
        """How many hits are of the query's kind, by their file's name."""
        return sum(Path(hit.scene).name.startswith(f"{self.kind}_") for hit in self.hits)


@dataclass(frozen=True)
class Demo:
    """What the demo did and where it put things."""

    store: Path
    sheet: Path
    scenes: int
    searches: list[Search]


def run_demo(folder: Path, model: HashModel) -> Demo:
    """Draw an archive and a query of each kind into a folder, ingest, search, make the picture.

    The queries are drawn from other seeds than the archive. A second run finds the scenes in the
    store already. Raises StoreError or InputError when the folder cannot be written to.
    """
    for name, image in archive(PER_KIND, ARCHIVE_SEED):
        _write(folder / "scenes" / name, image)
    paths = find_scenes([folder / "scenes"])
    identity = (model.lineage, model.bits, model.card.name)
    with CodeStore.open_or_create(folder / "store", *identity) as store:
        ingest(paths, store, model)
        searches = [
            _search(kind, folder / "queries" / f"{kind}.png", store, model) for kind in KINDS
        ]
    sheet = folder / "hits.png"
    write_picture(sheet, contact_sheet([_line(search) for search in searches]))
    return Demo(folder / "store", sheet, len(paths), searches)


def _search(kind: str, path: Path, store: CodeStore, model: HashModel) -> Search:
    image = draw(kind, QUERY_SEED)
    _write(path, image)
    return Search(kind, path, store.search(model.encode([image]), HITS)[0])


def _line(search: Search) -> SheetLine:
    return SheetLine(read_image(search.query), search.kind, search.hits)


def _write(path: Path, image: Image) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be made ({error.strerror})") from error
    write_picture(path, image)

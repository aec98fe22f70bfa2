"""The files that a search may be written to: a contact sheet, a page, footprints."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from scenehash.errors import InputError
from scenehash.files import path_text
from scenehash.retrieval.search import SearchResult

from .contact_sheet import search_sheet, write_picture
from .geojson import hit_feature, write_geojson
from .html_report import write_page


@dataclass(frozen=True)
class SearchFiles:
    """Paths of files to write, None for those that are not wanted."""

    sheet: Path | None = None
    page: Path | None = None
    geojson: Path | None = None

    def check(self, store: Path, queries: Sequence[str]) -> None:
        """Raise InputError when one cannot be written: before a search, not after it.

        None may lie in the store's folder, or be one of the files that are searched with.
        """
        paths = [path for path in (self.sheet, self.page, self.geojson) if path is not None]
        inputs = {Path(query).resolve() for query in queries}
        for path in paths:
            if path.resolve() in inputs:
                raise InputError("it is a query, and would be overwritten; give another name", path)
            if store.resolve() in path.resolve().parents:
                raise InputError("it is inside the store's folder; give another one", path)
            folder = path.parent
            if not folder.is_dir():
                raise InputError(f"cannot be written: there is no folder {folder}", path)
            if path.is_dir():
                raise InputError("cannot be written: it is a folder", path)
            if not os.access(path if path.exists() else folder, os.W_OK):
                raise InputError("cannot be written: permission denied", path)
            if paths.count(path) > 1:
                raise InputError("two outputs have this name; give them different ones", path)
        if self.sheet is not None and not _is_picture(self.sheet):
            raise InputError("no picture format of that name; use .png or .jpg", self.sheet)

    def write(self, result: SearchResult) -> tuple[dict[str, str], dict[str, str]]:
        """Write the files that are wanted, as many as can be.

        Returns their paths by what they are ("sheet", "html", "geojson"), and for each that could
        not be written the reason.
        """
        writers: dict[str, tuple[Path | None, Callable[[Path, SearchResult], None]]] = {
            "sheet": (self.sheet, write_sheet),
            "html": (self.page, write_page),
            "geojson": (self.geojson, write_footprints),
        }
        written, failed = {}, {}
        for name, (path, write) in writers.items():
            if path is not None:
                try:
                    write(path, result)
                    written[name] = path_text(path)
                except InputError as error:
                    failed[name] = str(error)
        return written, failed


def _is_picture(path: Path) -> bool:
    # OpenCV ends the process on names that are not UTF-8, so that it sees the suffix alone.
    return path.suffix.isascii() and bool(cv2.haveImageWriter(f"picture{path.suffix}"))


def write_sheet(path: Path, result: SearchResult) -> None:
    """Write queries and hits as one picture; InputError when that fails."""
    write_picture(path, search_sheet(result))


def write_footprints(path: Path, result: SearchResult) -> None:
    """Write the hits as GeoJSON; InputError when none has a footprint, or writing fails."""
    if result.hits and all(hit.footprint is None for hit in result.hits):
        raise InputError(
            "not written: no hit has a footprint, since its scene is not georeferenced", path
        )
    write_geojson(path, [hit_feature(hit) for hit in result.hits])

"""The output files of a search: a contact sheet, a page, footprints.

Their writers are imported on demand: most searches write no file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scenehash.errors import InputError
from scenehash.files import check_output, write_each
from scenehash.retrieval.search import SearchResult


@dataclass(frozen=True)
class SearchFiles:
    """Paths of files to write, None for files that are not wanted."""

    sheet: Path | None = None
    page: Path | None = None
    geojson: Path | None = None

    def check(self, store: Path, queries: Sequence[str]) -> None:
        """Raise InputError when one cannot be written: before a search, not after it.

        No file may lie in the store's folder, or be a query.
        """
        paths = [path for path in (self.sheet, self.page, self.geojson) if path is not None]
        inputs = {Path(query).resolve() for query in queries}
        for path in paths:
            if path.resolve() in inputs:
                raise InputError("it is a query, and would be overwritten; give another name", path)
            check_output(path, outside=store)
            if paths.count(path) > 1:
                raise InputError("two outputs have this name; give them different ones", path)
        if self.page is not None and self.page.suffix.lower() not in (".html", ".htm"):
            raise InputError("a page is written to a name that ends in .html", self.page)
        if self.sheet is not None:
            from .contact_sheet import check_format

            check_format(self.sheet)

    def write(self, result: SearchResult) -> tuple[dict[str, str], dict[str, str]]:
        """Write the wanted files, as many as possible.

        Returns their paths by kind ("sheet", "html", "geojson"), and the reasons for files that
        could not be written.
        """
        return write_each(
            {
                "sheet": (self.sheet, lambda path: write_sheet(path, result)),
                "html": (self.page, lambda path: write_html(path, result)),
                "geojson": (self.geojson, lambda path: write_footprints(path, result)),
            }
        )


def write_sheet(path: Path, result: SearchResult) -> None:
    """Write queries and hits as one picture; InputError when that fails."""
    from .contact_sheet import search_sheet, write_picture

    write_picture(path, search_sheet(result))


def write_html(path: Path, result: SearchResult) -> None:
    """Write queries and hits as a page; InputError when that fails."""
    from .html_report import write_page

    write_page(path, result)


def write_footprints(path: Path, result: SearchResult) -> None:
    """Write the hits as GeoJSON; InputError when none has a footprint, or writing fails."""
    if result.hits and all(hit.footprint is None for hit in result.hits):
        raise InputError(
            "not written: no hit has a footprint, since its scene is not georeferenced", path
        )
    from .geojson import hit_feature, write_geojson

    write_geojson(path, [hit_feature(hit) for hit in result.hits])

"""Pixels of queries and stored tiles, for a person."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from scenehash.errors import InputError, StoreError
from scenehash.files import path_from
from scenehash.scenes import Window, open_scene, reopen_scene
from scenehash.scenes.thumbnails import decode_thumbnail
from scenehash.store import Alert, CodeStore
from scenehash.tiles import Image

from .query import ROW_PREFIX, SHOWN_PIXELS, Query, row_number


def picture_of(text: str, store: CodeStore) -> Image:
    """The pixels of a query text, uint8 RGB; InputError when its scene is missing.

    For a stored tile whose scene is missing: its thumbnail.
    """
    if not text.startswith(ROW_PREFIX):
        with open_scene(path_from(text)) as scene:
            return scene.overview(SHOWN_PIXELS)
    row = row_number(text)
    tile = store.tile(row)
    try:
        with reopen_scene(Path(tile.scene), tile.decode_params) as scene:
            return scene.pixels(tile.window, SHOWN_PIXELS)
    except InputError:
        if (thumbnail := thumbnail_pixels(store, [row]).get(row)) is None:
            raise
        return thumbnail


def example_pixels(alert: Alert, store: CodeStore) -> Image | None:
    """The first example of an alert, uint8 RGB, as it was read; None when its scene is missing."""
    source = alert.sources[0]
    tile = alert.tiles.get(source)
    if tile is not None:
        return tile_pixels(Path(source), tile.window, tile.reading, SHOWN_PIXELS)
    try:
        return picture_of(source, store)
    except (InputError, StoreError):
        return None


def thumbnail_pixels(store: CodeStore, rows: Sequence[int]) -> dict[int, Image]:
    """The stored thumbnails of rows, uint8 RGB [64, 64, 3]."""
    return {row: decode_thumbnail(jpeg) for row, jpeg in store.thumbnails.of(rows).items()}


def tile_pixels(
    scene: Path,
    window: Window,
    reading: Mapping[str, object],
    side: int,
    thumbnail: Image | None = None,
) -> Image | None:
    """A window of a scene, uint8 RGB, as it was read; if the scene is missing, the thumbnail, if
    any.
    """
    try:
        with reopen_scene(scene, reading) as opened:
            return opened.pixels(window, side)
    except InputError:
        return thumbnail


def query_pixels(query: Query) -> Image | None:
    """A query's pixels, uint8 RGB; its thumbnail, or None, when its scene is missing."""
    if query.picture is not None or query.scene is None:
        return query.picture
    thumbnail = decode_thumbnail(query.thumbnails[0]) if query.thumbnails else None
    window, params = query.windows[0], query.decode_params
    return tile_pixels(query.scene, window, params, SHOWN_PIXELS, thumbnail)

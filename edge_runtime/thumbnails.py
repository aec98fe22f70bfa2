"""Thumbnails: small pictures of tiles, kept in a store."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from .errors import InputError
from .scenes import Window, reopen_scene
from .store import CodeStore, SceneRecord
from .tiles import Image, to_tile

# 64 x 64 pixels show what a tile is, and tell it from others; 1.6 kB on average.
SIDE, QUALITY = 64, 80
# Larger windows may be read at this resolution.
READ_SIDE = 4 * SIDE


def make_thumbnail(image: Image) -> bytes:
    """A JPEG of the largest centred square of uint8 RGB [H, W, 3], SIDE x SIDE pixels."""
    small = cv2.cvtColor(to_tile(image, SIDE), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1].tobytes()


def thumbnail_pixels(store: CodeStore, rows: Sequence[int]) -> dict[int, Image]:
    """The thumbnails that a store has of rows, uint8 RGB [SIDE, SIDE, 3]."""
    return {
        row: np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)
        for row, jpeg in store.thumbnails.of(rows).items()
    }


@dataclass
class Made:
    """What became of the thumbnails that were missing.

    made: how many there are now. gone: paths of scenes of which none can be made, and why.
    """

    made: int = 0
    gone: dict[str, str] = field(default_factory=dict)


def make_missing(store: CodeStore) -> Made:
    """Make the thumbnails that are missing of stored tiles, and damaged ones anew, durably.

    The pixels are those that were hashed: the scene's file must be there, and have its content of
    then. Scenes are dealt with one by one: interrupted, give the same call again.
    """
    done = Made()
    for record, pictures in store.thumbnails_by_scene():
        lacking = [tile for tile, picture in enumerate(pictures) if picture is None]
        if not lacking:
            continue
        try:
            fresh = _pictures(record, [Window(*record.windows[tile].tolist()) for tile in lacking])
        except InputError as error:
            done.gone[record.path] = str(error).removeprefix(f"{record.path}: ")
            continue
        for tile, picture in zip(lacking, fresh, strict=True):
            pictures[tile] = picture
        if store.thumbnails.put([record], [pictures]):
            done.made += len(lacking)
    return done


def _pictures(record: SceneRecord, windows: Sequence[Window]) -> list[bytes]:
    with reopen_scene(Path(record.path), record.reading) as scene:
        if scene.content != record.content:
            raise InputError("the file has another content than the scene that was stored")
        return [
            make_thumbnail(tile.image)
            for group in scene.tiles(windows, READ_SIDE)
            for tile in group
            if tile.image is not None
        ]

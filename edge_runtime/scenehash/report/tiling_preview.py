"""How a scene is cut, as a picture: its tiles in outline, those without enough data crossed out."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from scenehash.scenes import Scene, Tiling, Window
from scenehash.tiles import Image

PICTURE_SIDE = 1024
KEPT, SKIPPED = (255, 210, 60), (230, 60, 50)


@dataclass(frozen=True)
class Cut:
    """The windows of a scene that become tiles, and those that hold too little data."""

    kept: Sequence[Window]
    skipped: Sequence[Window]


def cut(scene: Scene, tiling: Tiling, tile_size: int) -> Cut:
    """Cut an open scene as an ingest would; InputError on damage."""
    kept: list[Window] = []
    skipped: list[Window] = []
    windows = scene.windows(tiling, tile_size)
    for group in scene.tiles(windows, tile_size, tiling.min_valid):
        for tile in group:
            (skipped if tile.image is None else kept).append(tile.window)
    return Cut(kept, skipped)


def grid_picture(scene: Scene, parts: Cut) -> Image:
    """The scene, uint8 RGB, at most 1024 pixels high and wide, with its tiles drawn on it."""
    picture = np.ascontiguousarray(scene.overview(PICTURE_SIDE))
    scale = picture.shape[1] / scene.width, picture.shape[0] / scene.height
    for windows, colour in ((parts.skipped, SKIPPED), (parts.kept, KEPT)):
        for window in windows:
            left, top = round(window.x * scale[0]), round(window.y * scale[1])
            right = round((window.x + window.width) * scale[0]) - 1
            bottom = round((window.y + window.height) * scale[1]) - 1
            cv2.rectangle(picture, (left, top), (right, bottom), colour, 1, cv2.LINE_AA)
            if colour == SKIPPED:
                cv2.line(picture, (left, top), (right, bottom), colour, 1, cv2.LINE_AA)
                cv2.line(picture, (left, bottom), (right, top), colour, 1, cv2.LINE_AA)
    return picture

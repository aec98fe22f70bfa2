"""Plain image files, read whole by OpenCV."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from scenehash.scenes.decoding import decode_image
from scenehash.tiles import Image
from scenehash.windows import Window

from .files import content_id
from .scene import Scene, Tile
from .times import time_of

TILES_AT_ONCE = 32


class Picture(Scene):
    """An image file that is nowhere, and of a time only where its name or a note beside it says."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self._digest = content_id(data)
        self.image = decode_image(data)
        self.height, self.width = self.image.shape[:2]
        self.take_time(time_of(path, {}))

    @property
    def digest(self) -> str:
        return self._digest

    def tiles(
        self, windows: Sequence[Window], tile_size: int, min_valid: float = 0.0
    ) -> Iterator[list[Tile]]:
        del tile_size, min_valid
        for start in range(0, len(windows), TILES_AT_ONCE):
            some = windows[start : start + TILES_AT_ONCE]
            yield [Tile(window, window.cut(self.image)) for window in some]

    def overview(self, side: int) -> Image:
        scale = side / max(self.height, self.width)
        if scale >= 1:
            return self.image
        size = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        return np.asarray(cv2.resize(self.image, size, interpolation=cv2.INTER_AREA), np.uint8)

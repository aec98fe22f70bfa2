"""Files to tiles in one call: for training, evaluation, calibration, and users of the library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from scenehash.decode_params import DecodeParams
from scenehash.errors import InputError
from scenehash.tiles import Image
from scenehash.tiling import PixelSize, Tiling, Window

from .decoding import decide, read_rgb
from .opening import open_scene
from .place import Footprints
from .plain_image import decode_image

# The maximum number of tiles in memory.
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class SceneTiles:
    """The tiles of a scene, and facts about the scene.

    tiles: uint8 RGB [N, S, S, 3]. windows: the part of the scene of each tile, in pixels. skipped:
    the number of windows with too few valid pixels. footprints: corners float64 [N, 4, 2],
    longitude and latitude in degrees of WGS 84, clockwise from the upper left; None if the scene is
    not georeferenced. time: the acquisition time in UTC. pixel_size: in metres on the ground.
    reading: how the file becomes pixels. warnings: for a person.
    """

    path: Path
    tiles: Image
    windows: Sequence[Window]
    skipped: int
    footprints: Footprints | None
    time: datetime | None
    pixel_size: PixelSize | None
    reading: Mapping[str, object]
    warnings: Sequence[str]


def read_scene(
    path: str | Path,
    tile_size: int = 256,
    tiling: Tiling | None = None,
    params: DecodeParams | None = None,
) -> SceneTiles:
    """Read all tiles of an image or raster, as an ingest does.

    tile_size: the side S of a tile. tiling: how the scene is cut into tiles. params: bands, nodata
    and stretch; None: as the file suggests; a model's card has the model's params. Raises
    InputError when the file cannot be read, or when its tiles take more than a gigabyte: use
    open_scene to read such tiles in groups.
    """
    path, tiling = Path(path), tiling or Tiling()
    try:
        with open_scene(path, params) as scene:
            windows = scene.windows(tiling, tile_size)
            if len(windows) * tile_size * tile_size * 3 > MOST_BYTES:
                raise InputError(
                    f"{len(windows):,} tiles are more than are held in memory; read them a few at "
                    "a time with open_scene"
                )
            found = [
                (tile.window, tile.image)
                for group in scene.tiles(windows, tile_size, tiling.min_valid)
                for tile in group
                if tile.image is not None
            ]
            kept = [window for window, _ in found]
            shape = (len(kept), tile_size, tile_size, 3)
            return SceneTiles(
                path,
                np.stack([image for _, image in found]) if found else np.zeros(shape, np.uint8),
                kept,
                len(windows) - len(kept),
                scene.footprints(kept),
                scene.time,
                scene.pixel_size,
                scene.reading,
                scene.warnings,
            )
    except InputError as error:
        raise InputError(error.reason, path) from error


def read_tile(path: Path, tile_size: int, params: DecodeParams | None = None) -> Image:
    """An image or raster as one tile, uint8 RGB [S, S, 3]: its largest centred square.

    Training, calibration and evaluation read labelled images in this way. Raises InputError.
    """
    try:
        with open_scene(path, params) as scene:
            (window,) = scene.windows(Tiling(whole=True), tile_size)
            return scene.pixels(window, tile_size)
    except InputError as error:
        raise InputError(error.reason, path) from error


def read_image(path: Path, params: DecodeParams | None = None) -> Image:
    """All pixels of an image, uint8 RGB [H, W, 3], the same as in its tiles; InputError."""
    try:
        with open_scene(path, params) as scene:
            if scene.height * scene.width * 3 > MOST_BYTES:
                raise InputError(f"{scene.width}x{scene.height} pixels are too many to be held")
            return scene.overview(max(scene.height, scene.width))
    except InputError as error:
        raise InputError(error.reason, path) from error


def image_of(data: bytes) -> Image:
    """The pixels of the bytes of a JPEG, PNG, BMP or WebP file; InputError, without a path."""
    source = decode_image(data)
    whole = Window(0, 0, source.width, source.height)
    return read_rgb(source, decide(source, DecodeParams()), whole, (source.height, source.width))[0]

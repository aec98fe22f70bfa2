"""What is searched with: an image, a crop of a scene, or a tile that is stored already."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from scenehash.codes import pack
from scenehash.decode_params import DecodeParams
from scenehash.errors import ConfigurationError, InputError
from scenehash.scenes import Scene, Tiling, Window, open_scene, reopen_scene
from scenehash.scenes.thumbnails import decode_thumbnail
from scenehash.store import CodeStore
from scenehash.tiles import Image

if TYPE_CHECKING:
    from scenehash.model.hash_model import HashModel

ROW_PREFIX = "row:"
SHOWN_PIXELS = 256


@dataclass(frozen=True)
class Crop:
    """Which part of a scene is the query: a window in pixels, or a tile around a place.

    window: (x, y, width, height), of which the largest centred square counts. place: (latitude,
    longitude) in degrees. params: how the file becomes pixels, where that is not to be as the
    model's card says. tiling: how large a tile around a place is.
    """

    window: tuple[int, int, int, int] | None = None
    place: tuple[float, float] | None = None
    params: DecodeParams = field(default_factory=DecodeParams)
    tiling: Tiling = field(default_factory=Tiling)

    def of(self, scene: Scene, tile_size: int) -> Window:
        """The window of a scene; InputError when it does not lie in it."""
        if self.place is not None:
            return self._around(scene, tile_size)
        x, y, width, height = self.window or (0, 0, scene.width, scene.height)
        if min(width, height) < 1 or min(x, y) < 0 or x + width > scene.width:
            raise InputError(_outside(f"window {x},{y},{width},{height}", scene))
        if y + height > scene.height:
            raise InputError(_outside(f"window {x},{y},{width},{height}", scene))
        side = min(width, height)
        return Window(x + (width - side) // 2, y + (height - side) // 2, side, side)

    def _around(self, scene: Scene, tile_size: int) -> Window:
        latitude, longitude = self.place or (0.0, 0.0)
        at = scene.position(longitude, latitude)
        if at is None:
            raise InputError("the scene has no place on the Earth; name a --window of it")
        if not (0 <= at[0] < scene.width and 0 <= at[1] < scene.height):
            raise InputError(_outside(f"place {latitude:g},{longitude:g}", scene))
        wanted = self.tiling.sides(tile_size, scene.pixel_size) or (tile_size, tile_size)
        smaller = min(1, scene.width / wanted[0], scene.height / wanted[1])
        width, height = (max(1, round(side * smaller)) for side in wanted)
        left = min(max(0, round(at[0] - width / 2)), scene.width - width)
        top = min(max(0, round(at[1] - height / 2)), scene.height - height)
        return Window(left, top, width, height)


@dataclass(frozen=True)
class Query:
    """A query: its code uint8 [K/8], and where it comes from.

    logits: float32 [K], None for a stored tile. row: of a stored tile. reading: how the pixels of
    its scene are made of the file. image: its pixels, uint8 RGB [H, W, 3]; None for a stored tile.
    """

    text: str
    code: npt.NDArray[np.uint8]
    logits: npt.NDArray[np.float32] | None
    scene: Path
    window: Window
    row: int | None
    reading: Mapping[str, object]
    image: Image | None = None

    @property
    def title(self) -> str:
        """A short name for a picture of it."""
        return self.text if self.row is not None else self.scene.name


def read_query(
    text: str, store: CodeStore, model: Callable[[], "HashModel"], crop: Crop | None = None
) -> Query:
    """Understand a query: "row:12" is the stored tile in row 12, anything else a scene file.

    model: called for a scene file alone. Raises InputError, ConfigurationError, ModelError, and
    LineageError when the model is not the one that made the store.
    """
    if text.startswith(ROW_PREFIX):
        row = _row_number(text)
        (code,), tile = store.codes(np.array([row])), store.tile(row)
        return Query(text, code, None, Path(tile.scene), tile.window, row, tile.decode_params)
    crop, path = crop or Crop(), Path(text)
    loaded = model()
    try:
        with open_scene(path, crop.params.over(loaded.card.decode_params)) as scene:
            bits = loaded.width_for(store.bits)
            store.check(loaded.lineage, bits)
            window = crop.of(scene, loaded.tile_size)
            image = scene.pixels(window, loaded.tile_size)
            logits = loaded.logits([image])[:, :bits]
            return Query(text, pack(logits)[0], logits[0], path, window, None, scene.reading, image)
    except InputError as error:
        raise InputError(f"{text}: {error}") from error


def model_when_needed(path: Path | None) -> Callable[[], "HashModel"]:
    """Loads a model file once, when it is first asked for: a stored row needs none."""

    @cache
    def loaded() -> "HashModel":
        from scenehash.model.hash_model import HashModel  # onnxruntime takes a sixth of a second

        return HashModel.load(path)

    return loaded


def picture_of(text: str, store: CodeStore) -> Image:
    """The pixels that a query text means, uint8 RGB; InputError when its scene is gone.

    Of a stored tile whose scene is gone: its thumbnail.
    """
    if not text.startswith(ROW_PREFIX):
        with open_scene(Path(text)) as scene:
            return scene.pixels(Crop().of(scene, SHOWN_PIXELS), SHOWN_PIXELS)
    row = _row_number(text)
    tile = store.tile(row)
    try:
        with reopen_scene(Path(tile.scene), tile.decode_params) as scene:
            return scene.pixels(tile.window, SHOWN_PIXELS)
    except InputError:
        if (thumbnail := thumbnail_pixels(store, [row]).get(row)) is None:
            raise
        return thumbnail


def thumbnail_pixels(store: CodeStore, rows: Sequence[int]) -> dict[int, Image]:
    """The thumbnails that a store has of rows, uint8 RGB [64, 64, 3]."""
    return {row: decode_thumbnail(jpeg) for row, jpeg in store.thumbnails.of(rows).items()}


def tile_pixels(
    scene: Path,
    window: Window,
    reading: Mapping[str, object],
    side: int,
    thumbnail: Image | None = None,
) -> Image | None:
    """A window of a scene, uint8 RGB, read as it was; where it is gone, the thumbnail, if any."""
    try:
        with reopen_scene(scene, reading) as opened:
            return opened.pixels(window, side)
    except InputError:
        return thumbnail


def query_pixels(query: Query, thumbnails: Mapping[int, Image]) -> Image | None:
    """A query's pixels, uint8 RGB; its thumbnail, by its row, or None when its scene is gone."""
    if query.image is not None:
        return query.image
    thumbnail = None if query.row is None else thumbnails.get(query.row)
    return tile_pixels(query.scene, query.window, query.reading, SHOWN_PIXELS, thumbnail)


def _outside(what: str, scene: Scene) -> str:
    return f"{what} is not inside the scene, which has {scene.width}x{scene.height} pixels"


def _row_number(text: str) -> int:
    try:
        return int(text.removeprefix(ROW_PREFIX))
    except ValueError as error:
        raise ConfigurationError(
            f"{text}: a stored row is written {ROW_PREFIX}NUMBER, such as {ROW_PREFIX}12"
        ) from error

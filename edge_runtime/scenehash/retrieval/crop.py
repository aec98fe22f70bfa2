"""The part of a scene that is the query."""

from dataclasses import dataclass, field, replace

from scenehash.decode_params import DecodeParams
from scenehash.errors import InputError
from scenehash.geo import Point
from scenehash.scenes import Scene, Tiling, Window


@dataclass(frozen=True)
class Crop:
    """A part of a scene, or the whole scene.

    window: (x, y, width, height) in pixels; its largest centred square is used. place: (latitude,
    longitude) in degrees; a tile around it is used. Without either, all tiles of the scene are
    used, as ingest cuts them: a small image is one tile. params: how the file becomes pixels, in
    place of the values in the model's card. tiling: the size of tiles. Raises ConfigurationError on
    a place that is not on the Earth.
    """

    window: tuple[int, int, int, int] | None = None
    place: tuple[float, float] | None = None
    params: DecodeParams = field(default_factory=DecodeParams)
    tiling: Tiling = field(default_factory=Tiling)

    def __post_init__(self) -> None:
        if self.place is not None:
            Point(*self.place).checked()

    def of_all(self) -> "Crop":
        """The whole scene, read and cut in the same way."""
        return replace(self, window=None, place=None)

    def windows(self, scene: Scene, tile_size: int) -> list[Window]:
        """The windows of the crop in a scene; InputError when they are not inside the scene."""
        if self.place is not None:
            return [self._around(scene, tile_size)]
        if self.window is None:
            return scene.windows(self.tiling, tile_size)
        x, y, width, height = self.window
        if min(width, height) < 1 or min(x, y) < 0 or x + width > scene.width:
            raise InputError(_outside(f"window {x},{y},{width},{height}", scene))
        if y + height > scene.height:
            raise InputError(_outside(f"window {x},{y},{width},{height}", scene))
        side = min(width, height)
        return [Window(x + (width - side) // 2, y + (height - side) // 2, side, side)]

    def _around(self, scene: Scene, tile_size: int) -> Window:
        latitude, longitude = self.place or (0.0, 0.0)
        at = scene.position(longitude, latitude)
        if at is None:
            raise InputError("the scene is not georeferenced; give a --window instead")
        if not _holds(scene, at):
            turned = scene.position(latitude, longitude) if abs(longitude) <= 90 else None
            hint = ""
            if turned is not None and _holds(scene, turned):
                hint = f"; {longitude:g},{latitude:g} is inside: the latitude comes first"
            raise InputError(_outside(f"place {latitude:g},{longitude:g}", scene) + hint)
        wanted = self.tiling.sides(tile_size, scene.pixel_size) or (tile_size, tile_size)
        smaller = min(1, scene.width / wanted[0], scene.height / wanted[1])
        width, height = (max(1, round(side * smaller)) for side in wanted)
        left = min(max(0, round(at[0] - width / 2)), scene.width - width)
        top = min(max(0, round(at[1] - height / 2)), scene.height - height)
        return Window(left, top, width, height)


def _holds(scene: Scene, at: tuple[float, float]) -> bool:
    return 0 <= at[0] < scene.width and 0 <= at[1] < scene.height


def _outside(what: str, scene: Scene) -> str:
    return f"{what} is not inside the scene, which has {scene.width}x{scene.height} pixels"

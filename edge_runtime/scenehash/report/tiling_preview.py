"""A preview of reading and cutting scenes, as plain values, as footprints and as pictures."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from scenehash.decode_params import DecodeParams
from scenehash.errors import InputError
from scenehash.files import path_text
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT, Progress, track
from scenehash.scenes import Scene, Tiling, Window, open_scene
from scenehash.scenes.files import scan
from scenehash.scenes.place import Footprints
from scenehash.tiles import Image
from scenehash.tiling import PixelSize

from .contact_sheet import write_picture
from .geojson import feature, write_geojson

PICTURE_SIDE = 1024
KEPT, SKIPPED = (255, 210, 60), (230, 60, 50)


@dataclass(frozen=True)
class Cut:
    """The windows of a scene that become tiles, and those with too few valid pixels."""

    kept: Sequence[Window]
    skipped: Sequence[Window]


@dataclass(frozen=True)
class ScenePreview:
    """The preview of a scene.

    width and height in pixels. footprints: float64 [N, 4, 2], of the kept windows and then of the
    skipped ones; outline: [4, 2], of the scene.
    """

    path: Path
    width: int
    height: int
    pixel_size: PixelSize | None
    time: datetime | None
    decode_params: Mapping[str, object]
    windows: Cut
    footprints: Footprints | None
    outline: Footprints | None
    warnings: Sequence[str]

    def document(self) -> dict[str, Any]:
        """The preview as plain values for JSON."""
        return {
            "path": path_text(self.path),
            "width": self.width,
            "height": self.height,
            "metres_per_pixel": self.pixel_size and self.pixel_size.across,
            "metres_per_pixel_down": self.pixel_size and self.pixel_size.down,
            "time": None if self.time is None else self.time.isoformat(),
            "reading": self.decode_params,
            "tiles": len(self.windows.kept),
            "skipped": len(self.windows.skipped),
            "footprint": None if self.outline is None else self.outline.tolist(),
            "warnings": list(self.warnings),
        }


@dataclass
class TilingReport:
    """The preview of all scenes. set_aside: scenes that cannot be read, with the reasons."""

    scenes: list[ScenePreview] = field(default_factory=list)
    set_aside: list[tuple[Path, str]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return {
            "scenes": [scene.document() for scene in self.scenes],
            "set_aside": [
                {"path": path_text(path), "reason": reason} for path, reason in self.set_aside
            ],
        }

    def write_footprints(self, path: Path) -> None:
        """Write all tiles as GeoJSON; InputError when none has a footprint, or writing fails."""
        features = list(self.features())
        if not features:
            raise InputError("not written: no scene is georeferenced", path)
        write_geojson(path, features)

    def features(self) -> Iterator[dict[str, Any]]:
        """The footprints of all tiles as GeoJSON features."""
        for scene in self.scenes:
            if scene.footprints is None:
                continue
            windows = [*scene.windows.kept, *scene.windows.skipped]
            for number, (window, ring) in enumerate(
                zip(windows, scene.footprints.tolist(), strict=True)
            ):
                yield feature(
                    [(longitude, latitude) for longitude, latitude in ring],
                    scene=path_text(scene.path),
                    window=[window.x, window.y, window.width, window.height],
                    kept=number < len(scene.windows.kept),
                )


def preview_tiles(
    paths: Sequence[str | Path],
    model: str | Path | HashModel | None = None,
    tiling: Tiling = Tiling(),  # noqa: B008 - it is frozen
    params: DecodeParams = DecodeParams(),  # noqa: B008 - it is frozen
    pictures: str | Path | None = None,
    progress: Progress = SILENT,
) -> TilingReport:
    """Read and cut scenes as an ingest would, without hashing or storing anything.

    paths: scene files and folders. model: a model, or its file; None means the shipped model.
    params: how files become pixels, in place of the values in the model's card. pictures: a folder
    for a picture of each scene with its tiles; none that holds one of the scenes. Raises InputError
    on a path that does not exist and on a picture that cannot be written, ModelError,
    ConfigurationError.
    """
    files = scan([Path(path) for path in paths]).files
    loaded = model if isinstance(model, HashModel) else HashModel.load(model)
    folder = None if pictures is None else _made(Path(pictures), files)
    names: set[str] = set()
    report = TilingReport()
    for path in track(files, len(files), "cut", progress):
        try:
            with open_scene(path, params.over(loaded.card.decode_params)) as scene:
                windows = cut(scene, tiling, loaded.tile_size)
                preview = _preview(scene, windows)
                picture = None if folder is None else grid_picture(scene, windows)
        except InputError as error:
            report.set_aside.append((path, error.reason))
            continue
        report.scenes.append(preview)
        if folder is not None and picture is not None:
            write_picture(folder / f"{_new_name(path, names)}.png", picture)
    return report


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


def _preview(scene: Scene, windows: Cut) -> ScenePreview:
    whole = scene.footprints([Window(0, 0, scene.width, scene.height)])
    return ScenePreview(
        scene.path,
        scene.width,
        scene.height,
        scene.pixel_size,
        scene.time,
        scene.reading,
        windows,
        scene.footprints([*windows.kept, *windows.skipped]),
        None if whole is None else whole[0],
        scene.warnings,
    )


def _made(folder: Path, scenes: Sequence[Path]) -> Path:
    """The folder for pictures, which are called as their scenes are, and may not overwrite them."""
    if any(os.path.realpath(path.parent) == os.path.realpath(folder) for path in scenes):
        raise InputError("it holds scenes, and pictures are called alike; give another", folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made ({error.strerror})", folder) from error
    return folder


def _new_name(path: Path, names: set[str]) -> str:
    """A unique name for the picture of a scene: a_2 for the second a."""
    stem = path_text(path.stem)
    name, number = stem, 1
    while name.lower() in names:
        number += 1
        name = f"{stem}_{number}"
    names.add(name.lower())
    return name

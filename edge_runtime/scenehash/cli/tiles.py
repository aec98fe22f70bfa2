"""`scenehash tiles`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenehash.decode_params import DecodeParams
from scenehash.progress import track

from .console import CONSOLE, EXIT_SET_ASIDE, AsJson, notice, report
from .options import (
    BandChoice,
    MinValid,
    ModelPath,
    NodataValue,
    Overlap,
    StretchRange,
    TileSize,
    Whole,
    make_tiling,
)

if TYPE_CHECKING:
    from rich.table import Table

    from scenehash.report.tiling_preview import Cut
    from scenehash.scenes import Scene


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("tiles")(tiles_command)


def tiles_command(
    paths: Annotated[
        list[Path], typer.Argument(readable=False, help="Scene files, or folders of them.")
    ],
    tile: TileSize = None,
    overlap: Overlap = 0.0,
    whole: Whole = False,
    min_valid: MinValid = 0.5,
    bands: BandChoice = None,
    nodata: NodataValue = None,
    stretch: StretchRange = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            help="A folder for a picture of each scene with its tiles.", show_default=False
        ),
    ] = None,
    geojson: Annotated[
        Path | None,
        typer.Option(help="Write the footprints of all tiles for a map.", show_default=False),
    ] = None,
    model: ModelPath = None,
    as_json: AsJson = False,
) -> None:
    """Show how scenes would be read and cut, and hash and store nothing.

    Exit status 3 when a scene cannot be read.
    """
    from scenehash.errors import InputError
    from scenehash.model.hash_model import HashModel
    from scenehash.report.contact_sheet import write_picture
    from scenehash.report.geojson import write_geojson
    from scenehash.report.tiling_preview import cut, grid_picture
    from scenehash.scenes import find_scenes, open_scene

    tiling, card = make_tiling(tile, overlap, whole, min_valid), HashModel.load(model).card
    params = DecodeParams(bands, nodata, stretch).over(card.decode_params)
    files = find_scenes(paths)
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    scenes: list[dict[str, Any]] = []
    features: list[dict[str, Any]] = []
    set_aside: list[dict[str, str]] = []
    for path in track(files, len(files), "cut", CONSOLE):
        try:
            with open_scene(path, params) as scene:
                parts = cut(scene, tiling, card.tile_size)
                scenes.append(_document(scene, parts))
                features += _features(scene, parts)
                if pictures is not None:
                    write_picture(pictures / f"{path.stem}.png", grid_picture(scene, parts))
        except InputError as error:
            set_aside.append({"path": str(path), "reason": str(error).removeprefix(f"{path}: ")})
    if geojson is not None:
        write_geojson(geojson, features)
    for item in set_aside:
        notice(f"set aside: {item['path']}: {item['reason']}")
    report({"scenes": scenes, "set_aside": set_aside}, as_json, _table(scenes))
    if set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)


def _document(scene: "Scene", parts: "Cut") -> dict[str, Any]:
    from scenehash.scenes import Window

    size = scene.pixel_size
    whole = scene.footprints([Window(0, 0, scene.width, scene.height)])
    return {
        "path": str(scene.path),
        "width": scene.width,
        "height": scene.height,
        "metres_per_pixel": size and size.across,
        "metres_per_pixel_down": size and size.down,
        "time": None if scene.time is None else scene.time.isoformat(),
        "reading": scene.reading,
        "tiles": len(parts.kept),
        "skipped": len(parts.skipped),
        "footprint": None if whole is None else whole[0].tolist(),
        "warnings": list(scene.warnings),
    }


def _features(scene: "Scene", parts: "Cut") -> list[dict[str, Any]]:
    from scenehash.report.geojson import feature

    windows = [*parts.kept, *parts.skipped]
    footprints = scene.footprints(windows)
    if footprints is None:
        return []
    return [
        feature(
            [(longitude, latitude) for longitude, latitude in ring],
            scene=str(scene.path),
            window=[window.x, window.y, window.width, window.height],
            kept=number < len(parts.kept),
        )
        for number, (window, ring) in enumerate(zip(windows, footprints.tolist(), strict=True))
    ]


def _table(scenes: list[dict[str, Any]]) -> "Table":
    from rich.table import Table

    columns = ("scene", "pixels", "m/pixel", "tiles", "skipped", "bands", "stretch", "valid by")
    table = Table(*columns, "time", box=None, header_style="bold")
    for scene in scenes:
        reading = scene["reading"]
        stretch = reading.get("stretch")
        table.add_row(
            Path(scene["path"]).name,
            f"{scene['width']}x{scene['height']}",
            _metres(scene["metres_per_pixel"], scene["metres_per_pixel_down"]),
            str(scene["tiles"]),
            str(scene["skipped"]),
            ",".join(str(band) for band in reading.get("bands", ())),
            "" if stretch is None else f"{stretch[0]:.5g}-{stretch[1]:.5g}",
            ",".join(reading.get("valid_by", ())),
            (scene["time"] or "")[:16],
        )
    return table


def _metres(across: float | None, down: float | None) -> str:
    if across is None or down is None:
        return ""
    same = abs(across / down - 1) < 0.01
    return f"{across:.3g}" if same else f"{across:.3g}x{down:.3g}"

"""`scenehash tiles`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenehash.progress import track

from .console import CONSOLE, EXIT_SET_ASIDE, AsJson, notice, report
from .help import examples
from .options import BandChoice, MinValid, ModelPath, Overlap, TileSize, Whole, make_tiling

if TYPE_CHECKING:
    from rich.table import Table

    from scenehash.report.tiling_preview import Cut
    from scenehash.scenes import Scene


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    epilog = examples(
        "scenehash tiles scenes --pictures cut",
        "scenehash tiles a.tif --tile 300m --bands 4,3,2 --geojson cut.geojson",
    )
    app.command("tiles", epilog=epilog)(tiles_command)


def tiles_command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH", readable=False, help="Cut these scene files, and folders of them."
        ),
    ],
    tile: TileSize = None,
    overlap: Overlap = 0.0,
    whole: Whole = False,
    min_valid: MinValid = 0.5,
    bands: BandChoice = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write a picture of each scene with its tiles to this folder."
        ),
    ] = None,
    geojson: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the footprints of all tiles as GeoJSON."),
    ] = None,
    model: ModelPath = None,
    as_json: AsJson = False,
) -> None:
    """Show how scenes would be read and cut into tiles.

    Nothing is hashed or stored. Exit status 3 when a scene cannot be read.
    """
    from scenehash.errors import InputError
    from scenehash.model.hash_model import HashModel
    from scenehash.report.contact_sheet import write_picture
    from scenehash.report.geojson import write_geojson
    from scenehash.report.tiling_preview import cut, grid_picture
    from scenehash.scenes import find_scenes, open_scene

    tiling, tile_size = (
        make_tiling(tile, overlap, whole, min_valid),
        HashModel.load(model).tile_size,
    )
    files = find_scenes(paths)
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    scenes: list[dict[str, Any]] = []
    features: list[dict[str, Any]] = []
    set_aside: list[dict[str, str]] = []
    for path in track(files, len(files), "cut", CONSOLE):
        try:
            with open_scene(path, bands) as scene:
                parts = cut(scene, tiling, tile_size)
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

    whole = scene.footprints([Window(0, 0, scene.width, scene.height)])
    return {
        "path": str(scene.path),
        "width": scene.width,
        "height": scene.height,
        "metres_per_pixel": scene.metres_per_pixel,
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
        reading, metres = scene["reading"], scene["metres_per_pixel"]
        stretch = reading.get("stretch")
        table.add_row(
            Path(scene["path"]).name,
            f"{scene['width']}x{scene['height']}",
            "" if metres is None else f"{metres:.3g}",
            str(scene["tiles"]),
            str(scene["skipped"]),
            ",".join(str(band) for band in reading.get("bands", ())),
            "" if stretch is None else f"{stretch[0]:.5g}-{stretch[1]:.5g}",
            str(reading.get("valid by", "")),
            (scene["time"] or "")[:16],
        )
    return table

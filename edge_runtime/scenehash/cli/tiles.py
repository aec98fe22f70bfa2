"""`scenehash tiles`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.files import check_output, path_text, write_each

from .choices import DecodeChoice, TilingChoice
from .console import CONSOLE, AsJson, FittingTable, notice, report_files
from .exit_status import EXIT_SET_ASIDE
from .options import ModelPath
from .register import register_command

if TYPE_CHECKING:
    from scenehash.report.tiling_preview import TilingReport

# The minimum number of letters of a scene's name that a narrow terminal shows.
LEAST_NAME = 32


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    register_command(
        app,
        tiles_command,
        "scenehash tiles scenes --pictures cut",
        "scenehash tiles a.tif --tile 300m --bands 4,3,2 --geojson cut.geojson",
    )


def tiles_command(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", readable=False, help="Cut these scene files and folders."),
    ],
    cutting: TilingChoice,
    decoding: DecodeChoice,
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
    """Show how ingest would read scenes and cut them into tiles.

    The command hashes and stores nothing. If a scene cannot be read, the exit status is 3.
    """
    from scenehash.report.tiling_preview import preview_tiles

    tiling, params = cutting.tiling(), decoding.params()
    if geojson is not None:
        check_output(geojson)
    done = preview_tiles(paths, model, tiling, params, pictures, CONSOLE)
    for scene in done.scenes:
        for warning in scene.warnings:
            notice(f"warning: {path_text(scene.path)}: {warning}")
    for path, reason in done.set_aside:
        notice(f"set aside: {path_text(path)}: {reason}")
    files = write_each({"geojson": (geojson, done.write_footprints)})
    report_files(done.document(), as_json, [_table(done)] if done.scenes else [], files)
    if done.set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)


def _table(done: "TilingReport") -> FittingTable:
    columns = (
        "scene", "pixels", "m/pixel", "tiles", "skipped", "bands", "stretch", "valid by", "time"
    )  # fmt: skip
    rows = []
    for scene in done.document()["scenes"]:
        reading = scene["reading"]
        stretch = reading.get("stretch")
        cells = (
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
        rows.append(cells)
    return FittingTable(columns, rows, "scene", ("valid by", "time", "stretch"), LEAST_NAME)


def _metres(across: float | None, down: float | None) -> str:
    if across is None or down is None:
        return ""
    same = abs(across / down - 1) < 0.01
    return f"{across:.3g}" if same else f"{across:.3g}x{down:.3g}"

"""Options that several commands share. choices.py has groups of them."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

CORES = os.cpu_count() or 1
STORE_VARIABLE = "SCENEHASH_STORE"


@dataclass(frozen=True)
class Words:
    """A command's own words for a shared option: Annotated[Label, Words("...")]."""

    help: str
    default: str | None = None


StorePath = Annotated[
    Path,
    typer.Option(
        "--store",
        envvar=STORE_VARIABLE,
        metavar="FOLDER",
        help="Use the code store in this folder.",
    ),
]
StoreOrEngine = Annotated[
    str,
    typer.Option(
        "--store",
        envvar=STORE_VARIABLE,
        metavar="FOLDER",
        help="Use the code store in this folder, or the engine at this address (scenehash push).",
    ),
]
StoreArgument = Annotated[
    Path | None,
    typer.Argument(metavar="STORE", help="Use the code store in this folder."),
]
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        envvar=STORE_VARIABLE,
        metavar="FOLDER",
        help="Use the code store in this folder, when STORE is not given.",
    ),
]
ModelPath = Annotated[
    Path | None,
    typer.Option(
        "--model",
        envvar="SCENEHASH_MODEL",
        metavar="FILE",
        help="Use this model file, or, with the word open, the shipped model that was trained on "
        "archives with clear terms.",
        show_default="the store's model, or the shipped model",
    ),
]
Bits = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Set the code width of a new store, such as 32; short codes take less space.",
        show_default="64, or all bits if the model has no width of 64",
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        "--threads",
        min=1,
        metavar="N",
        help="Hash and search with this many threads.",
        show_default="all cores",
    ),
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait while another process writes to the store.")
]


def _time(text: str) -> datetime:
    from scenehash.store.records import parse_time

    try:
        return parse_time(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def numbers(kind: Callable[[str], float], form: str) -> Callable[[str], tuple[float, ...]]:
    """A parser for numbers separated by commas, one for each word of a form such as "LAT,LON"."""

    def parse(text: str) -> tuple[float, ...]:
        try:
            values = tuple(kind(part) for part in text.split(","))
        except ValueError:
            values = ()
        if len(values) != form.count(",") + 1:
            raise typer.BadParameter(f"{text}: not {form}")
        return values

    return parse


def _place(form: str, name: str) -> Callable[[str], tuple[float, ...]]:
    """A parser for a Point, a Near or a Box of scenehash.geo; refuses impossible values."""
    parse = numbers(float, form)

    def parse_checked(text: str) -> tuple[float, ...]:
        from scenehash import geo
        from scenehash.errors import ConfigurationError

        values = parse(text)
        try:
            getattr(geo, name)(*values).checked()
        except ConfigurationError as error:
            raise typer.BadParameter(str(error)) from error
        return values

    return parse_checked


def _tile_size(text: str) -> str:
    from scenehash.errors import ConfigurationError
    from scenehash.tiling import Tiling

    try:
        Tiling.of_text(text)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
    return text


TileSize = Annotated[
    str | None,
    typer.Option(
        "--tile",
        parser=_tile_size,
        metavar="SIZE",
        help="Set the side of a tile: pixels of the scene (512), or metres on the ground (300m).",
        show_default="the model's tile size",
    ),
]
Overlap = Annotated[
    float,
    typer.Option(
        min=0, max=0.9, metavar="FRACTION", help="Overlap neighbouring tiles by this fraction."
    ),
]
Whole = Annotated[
    bool, typer.Option("--whole", help="Cut one tile per scene: its largest centred square.")
]
MinValid = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        metavar="FRACTION",
        help="Skip tiles in which less than this fraction of the pixels is valid.",
    ),
]
KeepThumbnails = Annotated[
    bool,
    typer.Option("--thumbnails", help="Keep a small picture of each tile from now on."),
]
KeepVectors = Annotated[
    bool | None,
    typer.Option(
        "--vectors/--no-vectors",
        help="Keep the representation of each tile from now on, or keep none in this run.",
        show_default="as before; in a new store, if the model gives them",
    ),
]
BandChoice = Annotated[
    str | None,
    typer.Option(
        metavar="BANDS",
        help="Read these bands as red, green and blue: numbers or names (4,3,2 or B04,B03,B02), "
        "or sentinel2, landsat8, landsat7, naip, planetscope.",
        show_default="as the model's card or the file says",
    ),
]
NodataValue = Annotated[
    float | None,
    typer.Option(
        "--nodata",
        metavar="VALUE",
        help="Treat pixels with this value as nodata, even if the file names another value.",
        show_default="as the model's card or the file says",
    ),
]
StretchRange = Annotated[
    Any,
    typer.Option(
        "--stretch",
        parser=numbers(float, "LOW,HIGH"),
        metavar="LOW,HIGH",
        help="Map LOW to black and HIGH to white.",
        show_default="a scene's 2nd and 98th percentile; no stretch for 8 bits",
    ),
]
_SHOWN_WINDOW = re.compile(r"(\d+)x(\d+)\+(\d+)\+(\d+)")


def _window(text: str) -> tuple[float, ...]:
    if shown := _SHOWN_WINDOW.fullmatch(text):
        width, height, x, y = map(int, shown.groups())
        return x, y, width, height
    return numbers(int, "X,Y,W,H")(text)


PartOfScene = Annotated[
    Any,
    typer.Option(
        "--window",
        parser=_window,
        metavar="X,Y,W,H",
        help="Use this part of the given scene file, in pixels; also in the form of hits, WxH+X+Y.",
    ),
]
PlaceInScene = Annotated[
    Any,
    typer.Option(
        "--at",
        parser=_place("LAT,LON", "Point"),
        metavar="LAT,LON",
        help="Use the tile around this place in the given scene file, in degrees.",
    ),
]
Label = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="LABEL",
        help="Add this label to the scenes, also to scenes in the store; may be repeated.",
    ),
]
LabelFromFolder = Annotated[
    bool,
    typer.Option("--label-from-folder", help="Label each scene with the name of its folder."),
]
AssetKey = Annotated[
    str | None,
    typer.Option(
        "--asset",
        metavar="KEY",
        help="Use this asset of STAC items as the scene.",
        show_default="by roles, types and bands",
    ),
]
AssetRoots = Annotated[
    list[str] | None,
    typer.Option(
        "--assets-from",
        metavar="URI",
        help="Read assets of STAC items below this folder, too; may be repeated.",
        show_default="only the folder of the STAC document",
    ),
]
SceneOption = Annotated[
    str | None,
    typer.Option(
        "--scene",
        metavar="PATH",
        help="Match only tiles of this scene, by its path or the end of its path.",
    ),
]
LabelOption = Annotated[
    str | None,
    typer.Option("--label", metavar="LABEL", help="Match only scenes with this label."),
]
Since = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        parser=_time,
        metavar="TIME",
        help="Match only scenes acquired at this time or later.",
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option(
        "--until",
        parser=_time,
        metavar="TIME",
        help="Match only scenes acquired at this time or earlier.",
    ),
]
BoundingBox = Annotated[
    Any,
    typer.Option(
        "--bbox",
        parser=_place("W,S,E,N", "Box"),
        metavar="W,S,E,N",
        help="Match only tiles whose footprint meets this box, in degrees; W > E crosses the "
        "antimeridian.",
    ),
]
NearOption = Annotated[
    Any,
    typer.Option(
        "--near",
        parser=_place("LAT,LON,KM", "Near"),
        metavar="LAT,LON,KM",
        help="Match only tiles whose footprint is within this distance of a point.",
    ),
]
AreaOption = Annotated[
    Path | None,
    typer.Option(
        "--area",
        metavar="FILE",
        help="Match only tiles whose footprint meets a polygon of this GeoJSON file.",
    ),
]
StationOption = Annotated[
    str | None,
    typer.Option("--station", metavar="NAME", help="Match only tiles of this station."),
]
NewerThan = Annotated[
    int | None,
    typer.Option("--newer-than", metavar="ROW", help="Match only tiles in rows after this one."),
]

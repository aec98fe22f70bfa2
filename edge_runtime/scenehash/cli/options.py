"""Options, and notices, that several commands share."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenehash.files import path_text

from .console import notice

if TYPE_CHECKING:
    from scenehash.scenes import Tiling
    from scenehash.store import CodeStore, Filter

CORES = os.cpu_count() or 1
StorePath = Annotated[
    Path, typer.Option("--store", envvar="SCENEHASH_STORE", help="The folder of the code store.")
]
ModelPath = Annotated[
    Path | None,
    typer.Option(
        "--model",
        envvar="SCENEHASH_MODEL",
        help="The model file; without it, the one that ships with scenehash.",
        show_default=False,
    ),
]
Bits = Annotated[
    int | None,
    typer.Option(
        help="Width of the codes of a new store, such as 32: shorter ones take less room.",
        show_default="all that the model has",
    ),
]
Threads = Annotated[
    int, typer.Option("--threads", min=1, help="Threads for hashing.", show_default="all cores")
]
K = Annotated[int, typer.Option("-k", min=1, help="How many hits.")]
Sheet = Annotated[
    Path | None,
    typer.Option("--sheet", help="Write the query and its hits as a picture.", show_default=False),
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait while another process writes to the store.")
]


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text}: not a time such as 2026-11-24 or 2026-11-24T08:30:00Z"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def numbers(kind: Callable[[str], float], form: str) -> Callable[[str], tuple[float, ...]]:
    """A parser for as many numbers, with commas between, as a form such as "LAT,LON" names."""

    def parse(text: str) -> tuple[float, ...]:
        try:
            values = tuple(kind(part) for part in text.split(","))
        except ValueError:
            values = ()
        if len(values) != form.count(",") + 1:
            raise typer.BadParameter(f"{text}: not {form}")
        return values

    return parse


TileSize = Annotated[
    str | None,
    typer.Option(
        "--tile",
        metavar="SIZE",
        help="Side of a tile: pixels of the scene (512), or metres on the ground (300m); "
        "without it, the model's.",
    ),
]
Overlap = Annotated[
    float, typer.Option(min=0, max=0.9, help="The share of a tile that its neighbour sees again.")
]
Whole = Annotated[
    bool, typer.Option("--whole", help="A scene is one tile, its largest centred square.")
]
MinValid = Annotated[
    float,
    typer.Option(min=0, max=1, help="The share of a tile that must hold data; others are skipped."),
]
KeepThumbnails = Annotated[
    bool,
    typer.Option(
        "--thumbnails",
        help="Keep a small picture of each tile from now on, in this and later ingests.",
    ),
]
BandChoice = Annotated[
    str | None,
    typer.Option(
        help="Red, green and blue band, by number or name (4,3,2 or B04,B03,B02), "
        "or sentinel2, landsat8, landsat7, naip, planetscope.",
        show_default="as the model's card or the file says",
    ),
]
NodataValue = Annotated[
    float | None,
    typer.Option(
        "--nodata",
        help="The value of pixels without data, in place of what the file says.",
        show_default="as the model's card or the file says",
    ),
]
StretchRange = Annotated[
    Any,
    typer.Option(
        "--stretch",
        parser=numbers(float, "LOW,HIGH"),
        metavar="LOW,HIGH",
        help="The values that become black and white.",
        show_default="a scene's 2nd and 98th percentile; 8 bits stay as they are",
    ),
]
Label = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        help="A word to find these scenes by, those that are stored already too; may be repeated.",
    ),
]
LabelFromFolder = Annotated[
    bool,
    typer.Option(
        "--label-from-folder", help="Label each scene with the name of the folder it is in, too."
    ),
]
SceneOption = Annotated[
    str | None, typer.Option("--scene", help="Only tiles of this scene, by its path.")
]
LabelOption = Annotated[
    str | None, typer.Option("--label", help="Only tiles of scenes with this label.")
]
Since = Annotated[
    datetime | None,
    typer.Option("--since", parser=_time, metavar="TIME", help="Only scenes acquired at or after."),
]
Until = Annotated[
    datetime | None,
    typer.Option(
        "--until", parser=_time, metavar="TIME", help="Only scenes acquired at or before."
    ),
]
BoundingBox = Annotated[
    Any,
    typer.Option(
        "--bbox",
        parser=numbers(float, "W,S,E,N"),
        metavar="W,S,E,N",
        help="Only tiles whose footprint meets this box, in degrees; W > E over the antimeridian.",
        show_default=False,
    ),
]
NearOption = Annotated[
    Any,
    typer.Option(
        "--near",
        parser=numbers(float, "LAT,LON,KM"),
        metavar="LAT,LON,KM",
        help="Only tiles whose footprint comes within so many kilometres of a place.",
        show_default=False,
    ),
]
NewerThan = Annotated[
    int | None, typer.Option("--newer-than", metavar="ROW", help="Only tiles in rows after this.")
]


def make_filter(
    scene: str | None,
    label: str | None,
    since: datetime | None,
    until: datetime | None,
    bbox: tuple[float, float, float, float] | None,
    near: tuple[float, float, float] | None,
    newer_than: int | None,
) -> "Filter":
    """The filter that the options ask for; without any it holds for all tiles."""
    from scenehash.store import Filter

    path = None if scene is None else path_text(Path(scene).absolute())
    return Filter(path, newer_than, since, until, bbox, label, near)


def make_tiling(
    tile: str | None, overlap: float = 0.0, whole: bool = False, min_valid: float = 0.5
) -> "Tiling":
    """The tiling that the options ask for."""
    from scenehash.errors import ConfigurationError
    from scenehash.scenes import Tiling

    try:
        metres = float(tile.removesuffix("m")) if tile and tile.endswith("m") else None
        pixels = int(tile) if tile and metres is None else None
    except ValueError as error:
        raise ConfigurationError(
            f"--tile {tile}: give pixels, such as 512, or metres, such as 300m"
        ) from error
    return Tiling(pixels, metres, overlap, whole, min_valid)


def notice_trouble(store: "CodeStore") -> None:
    """Say what is wrong with a store's thumbnails, where something is."""
    if store.thumbnails.trouble is not None:
        notice(f"warning: {store.thumbnails.trouble}")

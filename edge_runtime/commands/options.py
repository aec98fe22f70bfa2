"""Options that several commands share."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..store import Filter

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


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{text}: not WEST,SOUTH,EAST,NORTH in degrees") from error
    return west, south, east, north


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
        parser=_box,
        metavar="W,S,E,N",
        help="Only tiles whose footprint meets this box, in degrees; W > E over the antimeridian.",
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
    newer_than: int | None = None,
) -> "Filter":
    """The filter that the options ask for; without any it holds for all tiles."""
    from ..store import Filter

    path = None if scene is None else str(Path(scene).absolute())
    return Filter(path, newer_than, since, until, bbox, label)

"""The other routes of a server of an engine, and errors for the routes that an engine lacks."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.routing import APIRoute
from starlette.responses import PlainTextResponse, Response

from scenehash.printable import printable

from ..collection import Collection
from ..metrics import MEDIA_TYPE
from ..problems import Refused
from ..queries import LARGEST
from . import alerts, events, jobs, scenes
from . import station as station_routes
from .common import PROBLEMS, Bins, answer

router = APIRouter(tags=["collection"], responses=PROBLEMS)

Row = Annotated[int, Path(ge=0, le=LARGEST, description="A tile's number.")]
# What an engine lacks for the routes of a station.
MISSING = {
    "scenes": "pictures, and no list of scenes",
    "alerts": "alerts",
    "events": "events",
    "jobs": "jobs",
    "station": "quarantine, and takes no scenes",
}


async def collection_of(request: Request) -> Collection:
    """The collection that the server is for."""
    collection: Collection = request.app.state.served
    return collection


CollectionServed = Annotated[Collection, Depends(collection_of)]


@router.get("/api/station")
def about(collection: CollectionServed) -> Response:
    """The engine's contents, by station."""
    return answer(collection.document())


@router.get("/api/labels")
def labels(collection: CollectionServed) -> Response:
    """All labels, by name; an engine does not count their scenes."""
    return answer({"labels": [{"label": one, "scenes": None} for one in collection.labels()]})


@router.get("/api/times")
def times(collection: CollectionServed, bins: Bins = 60) -> Response:
    """The acquisition times of the first and the last scene; an engine counts no bins."""
    del bins
    return answer(collection.times())


@router.get("/api/tiles/{row}")
def tile(collection: CollectionServed, row: Row) -> Response:
    """A tile of the only station."""
    return answer(collection.tile(row, None))


@router.get("/api/tiles/{station}/{row:int}")
def tile_of_station(collection: CollectionServed, station: str, row: Row) -> Response:
    """A tile of a station."""
    return answer(collection.tile(row, station))


@router.get("/healthz")
def health(collection: CollectionServed) -> Response:
    """Whether the engine answers."""
    collection.ask()
    return answer({"status": "ok"})


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(collection: CollectionServed) -> Response:
    """Metrics in Prometheus' text format."""
    return Response(collection.metrics_text(), media_type=MEDIA_TYPE)


def refusals() -> APIRouter:
    """The other routes of a station; each says what an engine lacks for it."""
    found = APIRouter()
    for module in (scenes, alerts, events, station_routes, jobs):
        for route in module.router.routes:
            if isinstance(route, APIRoute):
                found.add_api_route(
                    route.path,
                    _refusal(MISSING[str(route.tags[0])]),
                    methods=list(route.methods or ()),
                    include_in_schema=False,
                )
    return found


def _refusal(missing: str) -> Callable[..., object]:
    async def refuse(collection: CollectionServed) -> Response:
        raise Refused(
            HTTPStatus.NOT_IMPLEMENTED,
            f"{printable(collection.address)}: an engine has no {missing}; ask the server of the "
            "station",
        )

    return refuse

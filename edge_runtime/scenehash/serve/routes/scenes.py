"""Scenes and tiles: lists, facts, pictures."""

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from scenehash.errors import InputError, NotStoredError
from scenehash.report.geojson import feature, feature_collection
from scenehash.report.map_tile import SIDE, map_tile
from scenehash.scenes.thumbnails import make_thumbnail
from scenehash.store.documents import (
    labels_document,
    scene_document,
    scenes_document,
    tile_document,
    tiles_document,
)
from scenehash.store.reading.listing import ListedScene
from scenehash.tiling import Window

from ..queries import LARGEST, Order
from .common import (
    GEOJSON,
    PNG,
    PROBLEMS,
    Bins,
    PixelWindow,
    Size,
    StationServed,
    Where,
    answer,
    photograph,
    picture,
    picture_file,
)

router = APIRouter(tags=["scenes"], responses=PROBLEMS)

SceneId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The id of a scene.")]
Row = Annotated[int, Path(ge=0, le=LARGEST, description="A tile's number.")]
After = Annotated[int | None, Query(ge=0, le=LARGEST, description="`next` of the page before.")]


@router.get("/api/scenes")
def scenes(
    station: StationServed,
    where: Where,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: After = None,
    order: Order = "newest",
) -> Response:
    """Stored scenes, a page at a time."""
    with station.readers.store() as store:
        page = store.list_scenes(where.filter(), limit, after, order == "newest")
        return answer(scenes_document(store, page))


@router.get("/api/scenes.geojson")
def scenes_as_geojson(
    station: StationServed,
    where: Where,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: After = None,
    order: Order = "newest",
) -> Response:
    """The same for maps: the bounding box of each georeferenced scene."""
    with station.readers.store() as store:
        page = store.list_scenes(where.filter(), limit, after, order == "newest")
    return answer(feature_collection(map(_feature, page.scenes)), media=GEOJSON)


@router.get("/api/scenes/{number}")
def scene(station: StationServed, number: SceneId) -> Response:
    """The facts about a stored scene."""
    with station.readers.store() as store:
        record = store.find_scene(number)
        if record is None:
            raise NotStoredError(f"{station.path}: no stored scene has the id {number}")
    document = scene_document(record) | {
        "footprint": None,
        "width": None,
        "height": None,
        "available": False,
        "unavailable": None,
    }
    try:
        with station.open_scenes.scene(record.path, record.decode_params) as opened:
            whole = opened.footprints([Window(0, 0, opened.width, opened.height)])
            document |= {
                "footprint": None if whole is None else whole[0].tolist(),
                "width": opened.width,
                "height": opened.height,
                "available": True,
            }
    except InputError as error:
        document["unavailable"] = error.reason
    return answer(document)


@router.get("/api/scenes/{number}/tiles")
def scene_tiles(
    station: StationServed,
    number: SceneId,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: After = None,
) -> Response:
    """The tiles of a scene, by row."""
    with station.readers.store() as store:
        return answer(tiles_document(store, number, limit, after))


@router.get("/api/scenes/{number}/window.png", response_class=Response, responses=PNG)
def scene_window(
    request: Request, station: StationServed, number: SceneId, part: PixelWindow, size: Size = 512
) -> Response:
    """Pixels of a window of a scene; without a window, of the whole scene."""
    file = station.scene_file(number)
    with station.metrics.stage("picture"), station.open_scenes.scene(*file) as opened:
        image = opened.picture(part.inside(opened.width, opened.height), size)[0]
    return picture(request, image)


@router.get(
    "/api/scenes/{number}/map/{zoom}/{column}/{row}.png", response_class=Response, responses=PNG
)
def scene_map_tile(
    request: Request, station: StationServed, number: SceneId, zoom: int, column: int, row: int
) -> Response:
    """A tile of the Web Mercator map, transparent outside the scene."""
    file = station.scene_file(number)
    with station.metrics.stage("picture"), station.open_scenes.scene(*file) as opened:
        tile = map_tile(opened, zoom, column, row)
    return picture(request, np.zeros((SIDE, SIDE, 4), np.uint8) if tile is None else tile)


@router.get("/api/tiles/{row}")
def tile(station: StationServed, row: Row) -> Response:
    """A stored tile."""
    with station.readers.store() as store:
        return answer(tile_document(store, row))


@router.get("/api/tiles/{row}/image", response_class=Response, responses=PNG)
def tile_image(
    request: Request,
    station: StationServed,
    row: Row,
    size: Size = 256,
    encoding: Annotated[Literal["png", "jpeg"], Query(alias="format")] = "png",
) -> Response:
    """The pixels of a tile; its thumbnail if the scene's file is missing."""
    with station.readers.store() as store:
        found, thumbnail = store.tile(row), store.thumbnails.of([row]).get(row)
    try:
        with (
            station.metrics.stage("picture"),
            station.open_scenes.scene(found.scene, found.decode_params) as opened,
        ):
            image = opened.picture(found.window, size)[0]
        return photograph(request, image) if encoding == "jpeg" else picture(request, image)
    except InputError:
        if thumbnail is None:
            raise
        return picture_file(request, thumbnail, "image/jpeg", {"Scenehash-From": "thumbnail"})


@router.get("/api/tiles/{row}/thumbnail", response_class=Response)
def tile_thumbnail(request: Request, station: StationServed, row: Row) -> Response:
    """A small picture of a tile: the stored thumbnail, or a new one."""
    with station.readers.store() as store:
        found, thumbnail = store.tile(row), store.thumbnails.of([row]).get(row)
    if thumbnail is None:
        with (
            station.metrics.stage("picture"),
            station.open_scenes.scene(found.scene, found.decode_params) as opened,
        ):
            thumbnail = make_thumbnail(opened.pixels(found.window, 64))
    return picture_file(request, thumbnail, "image/jpeg")


@router.get("/api/labels")
def labels(station: StationServed) -> Response:
    """All labels, by name, with the number of scenes of each."""
    with station.readers.store() as store:
        return answer(labels_document(store))


@router.get("/api/times")
def times(station: StationServed, where: Where, bins: Bins = 60) -> Response:
    """The numbers of scenes by acquisition time."""
    with station.readers.store() as store:
        return answer(store.time_histogram(bins, where.filter()).document())


def _feature(scene: ListedScene) -> dict[str, Any]:
    properties = scene.document()
    del properties["bbox"]
    if scene.box is None:
        return feature(None, **properties)
    west, south, east, north = scene.box
    ring = [(west, south), (east, south), (east, north), (west, north)]
    return feature(ring, **properties)

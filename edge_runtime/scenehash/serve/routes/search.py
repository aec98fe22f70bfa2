"""Search, and the images that are searched with."""

from http import HTTPStatus
from typing import IO, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from scenehash.decode_params import DecodeParams
from scenehash.errors import ConfigurationError
from scenehash.files import printable
from scenehash.report.geojson import feature_collection, hit_feature
from scenehash.retrieval.query import Query as SearchQuery
from scenehash.windows import Tiling, Window

from ..problems import Refused
from ..queries import MOST_HITS, MOST_QUERIES, SearchRequest, query_of
from ..station import Station
from ..uploads import LONGEST_NAME, Upload
from .common import GEOJSON, PROBLEMS, Here, Where, answer, picture

router = APIRouter(tags=["search"], responses=PROBLEMS)

BINARY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "image/*": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
Texts = Annotated[
    list[str], Query(description="row:12, code:0f3a, upload:ID, scene:ID, at:LAT,LON")
]


@router.post("/api/search")
def search(station: Here, asked: SearchRequest) -> Response:
    """Search, as scenehash search does."""
    return answer(station.search(asked).document(asked.group, asked.explain))


@router.get("/api/search")
def search_by_address(
    station: Here,
    where: Where,
    q: Texts,
    unlike: Annotated[list[str] | None, Query(alias="not")] = None,
    k: Annotated[int, Query(ge=1, le=MOST_HITS)] = 20,
    radius: Annotated[int | None, Query(ge=0, le=256)] = None,
    group: bool = False,
    explain: bool = False,
) -> Response:
    """The same for what fits an address."""
    asked = _asked(q, unlike or [], k, radius, group, explain, where)
    return answer(station.search(asked).document(asked.group, asked.explain))


@router.get("/api/search.geojson")
def search_as_geojson(
    station: Here,
    where: Where,
    q: Texts,
    unlike: Annotated[list[str] | None, Query(alias="not")] = None,
    k: Annotated[int, Query(ge=1, le=MOST_HITS)] = 20,
    radius: Annotated[int | None, Query(ge=0, le=256)] = None,
) -> Response:
    """The hits that have a footprint, for maps."""
    result = station.search(_asked(q, unlike or [], k, radius, False, False, where))
    features = [hit_feature(hit) for hit in result.hits]
    return answer(feature_collection(features), media=GEOJSON)


@router.post("/api/uploads", status_code=HTTPStatus.CREATED, openapi_extra=BINARY)
async def upload(
    request: Request,
    station: Here,
    name: Annotated[str, Query(max_length=LONGEST_NAME)] = "",
) -> Response:
    """Send an image to search with."""
    check_binary(request)
    with station.uploads.receiving() as file:
        await write_body(request, file)
        document = await run_in_threadpool(_uploaded, station, file, name)
    return answer(document, HTTPStatus.CREATED)


@router.get("/api/uploads/{number}/image", response_class=Response)
def upload_image(
    request: Request,
    station: Here,
    number: str,
    size: Annotated[int, Query(ge=16, le=2048)] = 256,
) -> Response:
    """An image that was sent, as PNG."""
    found = station.uploads.get(number)
    with (
        station.metrics.stage("picture"),
        station.opened_upload(found, _of_model(station)) as scene,
    ):
        whole = Window(0, 0, scene.width, scene.height)
        return picture(request, scene.picture(whole, size)[0])


def check_binary(request: Request) -> None:
    """Raise Refused on a body that does not say that it is the bytes of an image."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/octet-stream" and not kind.startswith("image/"):
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type {printable(kind) or 'is missing'}: send the bytes of an image, as "
            "application/octet-stream or image/*",
        )


async def write_body(request: Request, file: IO[bytes]) -> None:
    """Write a body to a file as it comes."""
    async for part in request.stream():
        file.write(part)


def _asked(
    q: list[str],
    unlike: list[str],
    k: int,
    radius: int | None,
    group: bool,
    explain: bool,
    where: Where,
) -> SearchRequest:
    if not 1 <= len(q) <= MOST_QUERIES or len(unlike) > MOST_QUERIES:
        raise ConfigurationError(f"q: give 1 to {MOST_QUERIES} queries")
    return SearchRequest.model_construct(
        queries=[query_of(text) for text in q],
        unlike=[query_of(text) for text in unlike],
        k=k,
        radius=radius,
        rerank=None,
        group=group,
        explain=explain,
        filter=where,
    )


def _uploaded(station: Station, file: IO[bytes], name: str) -> dict[str, object]:
    found, (model, bits) = station.uploads.add(file, name), station.hasher()
    with station.opened_upload(found, _of_model(station)) as scene:
        window = Window(0, 0, scene.width, scene.height)
        footprints = scene.footprints([window])
        tiles = len(scene.windows(Tiling(), model.tile_size))
        code = None
        if tiles == 1:
            query = SearchQuery.from_scene(scene, found.text, model, bits)
            code = query.code.tobytes().hex()
        return {
            **_about(found),
            "width": scene.width,
            "height": scene.height,
            "time": None if scene.time is None else scene.time.isoformat(),
            "footprint": None if footprints is None else footprints[0].tolist(),
            "tiles": tiles,
            "code": code,
            "warnings": list(scene.warnings),
        }


def _about(found: Upload) -> dict[str, object]:
    return {
        "upload": found.id,
        "name": found.name,
        "bytes": found.bytes,
        "expires": found.expires.isoformat(timespec="seconds"),
    }


def _of_model(station: Station) -> DecodeParams:
    return station.models.latest.card.decode_params

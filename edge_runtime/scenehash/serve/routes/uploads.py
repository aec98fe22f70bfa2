"""Temporary query images."""

from http import HTTPStatus
from typing import IO, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from scenehash.decode_params import DecodeParams
from scenehash.printable import printable
from scenehash.retrieval.query import Query as SearchQuery
from scenehash.tiling import Tiling, Window

from ..problems import Refused
from ..served import Served
from ..uploads import LONGEST_NAME, Upload
from .common import PNG, PROBLEMS, AnyServed, PixelWindow, Size, answer, picture

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


@router.post("/api/uploads", status_code=HTTPStatus.CREATED, openapi_extra=BINARY)
async def upload(
    request: Request,
    served: AnyServed,
    name: Annotated[str, Query(max_length=LONGEST_NAME)] = "",
) -> Response:
    """Send a query image."""
    check_binary(request)
    with served.uploads.receiving() as file:
        await write_body(request, file)
        document = await run_in_threadpool(_received, served, file, name)
    return answer(document, HTTPStatus.CREATED)


@router.get("/api/uploads/{number}")
def about(served: AnyServed, number: str) -> Response:
    """An uploaded image."""
    return answer(_document(served, served.uploads.get(number)))


@router.get("/api/uploads/{number}/image", response_class=Response, responses=PNG)
def image(
    request: Request, served: AnyServed, number: str, part: PixelWindow, size: Size = 256
) -> Response:
    """An uploaded image, or a window of it, as PNG."""
    found = served.uploads.get(number)
    with (
        served.metrics.stage("picture"),
        served.opened_upload(found, _of_model(served)) as scene,
    ):
        return picture(request, scene.picture(part.inside(scene.width, scene.height), size)[0])


def check_binary(request: Request) -> None:
    """Raise Refused unless the content type of a body is binary or an image."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/octet-stream" and not kind.startswith("image/"):
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type {printable(kind) or 'is missing'}: send the bytes of an image, as "
            "application/octet-stream or image/*",
        )


async def write_body(request: Request, file: IO[bytes]) -> None:
    """Write a body to a file as it arrives."""
    async for part in request.stream():
        file.write(part)


def _received(served: Served, file: IO[bytes], name: str) -> dict[str, object]:
    return _document(served, served.uploads.add(file, name))


def _document(served: Served, found: Upload) -> dict[str, object]:
    model, bits = served.hasher()
    with served.opened_upload(found, _of_model(served)) as scene:
        footprints = scene.footprints([Window(0, 0, scene.width, scene.height)])
        tiles = len(scene.windows(Tiling(), model.tile_size))
        code = None
        if tiles == 1:
            query = SearchQuery.from_scene(scene, found.text, model, bits)
            code = query.code.tobytes().hex()
        return {
            "upload": found.id,
            "name": found.name,
            "bytes": found.bytes,
            "expires": found.expires.isoformat(timespec="seconds"),
            "width": scene.width,
            "height": scene.height,
            "time": None if scene.time is None else scene.time.isoformat(),
            "footprint": None if footprints is None else footprints[0].tolist(),
            "tiles": tiles,
            "code": code,
            "warnings": list(scene.warnings),
        }


def _of_model(served: Served) -> DecodeParams:
    return served.models.latest.card.decode_params

"""Shared parts of the routes: the station of a request, documents and pictures as answers."""

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

import cv2
import numpy as np
from fastapi import Depends, Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from scenehash.errors import ConfigurationError
from scenehash.tiles import Image
from scenehash.tiling import Window

from ..access import Caller
from ..problems import MEDIA_TYPE
from ..queries import LARGEST, FilterRequest, Time, numbers_of
from ..request_headers import has_already
from ..served import Served
from ..station import Station
from ..text_response import TextResponse

LONGEST = 4096
# About 400 corners, which fit in an address.
LONGEST_AREA = 16_384
# A browser keeps a picture for a day, and then checks its tag.
CACHED = {"Cache-Control": "private, max-age=86400"}
GEOJSON = "application/geo+json"
JPEG_QUALITY = 90
PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}

# A quarter of the time of json.dumps.
DOCUMENT: TypeAdapter[Any] = TypeAdapter(Any)

Problem: dict[str, Any] = {
    "description": "What is wrong, as RFC 9457 has it.",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                },
            }
        }
    },
}
STATUSES = (400, 401, 403, 404, 408, 409, 413, 415, 421, 422, 429, 500, 501, 503)
PROBLEMS: dict[int | str, dict[str, Any]] = dict.fromkeys(STATUSES, Problem)


# Dependencies are async: otherwise each would run in a thread of its own.


async def station_of(request: Request) -> Station:
    """The station that the server is for."""
    station: Station = request.app.state.served
    return station


async def served_of(request: Request) -> Served:
    """The object that the server is for: a station, or a collection."""
    served: Served = request.app.state.served
    return served


async def caller_of(request: Request) -> Caller:
    """Who asks."""
    caller: Caller = request.state.caller
    return caller


StationServed = Annotated[Station, Depends(station_of)]
AnyServed = Annotated[Served, Depends(served_of)]
Who = Annotated[Caller, Depends(caller_of)]
Size = Annotated[int, Query(ge=16, le=2048, description="Pixels of the longer side, at most.")]
Pixel = Annotated[int | None, Query(ge=0, le=LARGEST)]
Bins = Annotated[int, Query(ge=1, le=1000)]
OptionalText = Annotated[str | None, Query(max_length=LONGEST)]


async def filter_of(
    scene: OptionalText = None,
    label: OptionalText = None,
    station: OptionalText = None,
    since: Time | None = None,
    until: Time | None = None,
    bbox: Annotated[str | None, Query(description="W,S,E,N in degrees", max_length=200)] = None,
    near: Annotated[str | None, Query(description="LAT,LON,KM", max_length=200)] = None,
    area: Annotated[str | None, Query(description="GeoJSON", max_length=LONGEST_AREA)] = None,
    newer_than: Annotated[int | None, Query(ge=0, le=LARGEST)] = None,
) -> FilterRequest:
    """The filter in the parameters of an address; ConfigurationError when it is not valid."""
    box, around = numbers_of(bbox, "W,S,E,N"), numbers_of(near, "LAT,LON,KM")
    given = {
        "scene": scene,
        "label": label,
        "station": station,
        "since": since,
        "until": until,
        "bbox": box,
        "near": around,
        "area": None if area is None else _geojson(area),
        "newer_than": newer_than,
    }
    try:
        return FilterRequest.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigurationError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


Where = Annotated[FilterRequest, Depends(filter_of)]


class PixelWindowRequest(NamedTuple):
    """A window in pixels; missing values mean the whole size."""

    left: int | None
    top: int | None
    width: int | None
    height: int | None

    def inside(self, width: int, height: int) -> Window:
        """The window of an image with this size."""
        x, y = self.left or 0, self.top or 0
        across = width - x if self.width is None else self.width
        return Window(x, y, across, height - y if self.height is None else self.height)


async def window_of(
    left: Pixel = None, top: Pixel = None, width: Pixel = None, height: Pixel = None
) -> PixelWindowRequest:
    """The window in the parameters of an address."""
    return PixelWindowRequest(left, top, width, height)


PixelWindow = Annotated[PixelWindowRequest, Depends(window_of)]


def _geojson(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError("area: not GeoJSON") from error


def answer(
    document: Mapping[str, object],
    status: HTTPStatus = HTTPStatus.OK,
    media: str = "application/json",
) -> Response:
    """A document as an answer."""
    return TextResponse(DOCUMENT.dump_json(document), status, media_type=media)


def photograph(request: Request, image: Image) -> Response:
    """uint8 RGB or RGBA [H, W, 3 or 4] as JPEG, a fifth of a PNG's bytes; as PNG if a part is
    transparent.
    """
    if image.shape[2] == 4:
        return picture(request, image)
    turned = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".jpg", turned, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))[1].tobytes()
    return picture_file(request, data, "image/jpeg")


def picture(request: Request, image: Image, headers: Mapping[str, str] | None = None) -> Response:
    """uint8 RGB or RGBA [H, W, 3 or 4] as PNG."""
    turned = cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR
    # The fastest compression: a picture is sent once, and a board needs its time.
    how = (cv2.IMWRITE_PNG_COMPRESSION, 2)
    data = cv2.imencode(".png", cv2.cvtColor(np.ascontiguousarray(image), turned), how)[1].tobytes()
    return picture_file(request, data, "image/png", headers)


def picture_file(
    request: Request, data: bytes, media: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The bytes of a picture as an answer; 304 when the client already has them."""
    tag = f'"{hashlib.blake2b(data, digest_size=12).hexdigest()}"'
    every = {**CACHED, "ETag": tag, **(headers or {})}
    if has_already(request.headers, tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=every)
    return Response(data, media_type=media, headers=every)

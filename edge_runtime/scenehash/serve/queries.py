"""Requests of the API, checked, and converted to queries and filters."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from scenehash.decode_params import DecodeParams
from scenehash.errors import ConfigurationError
from scenehash.retrieval.crop import Crop
from scenehash.retrieval.options import DEFAULT_HITS, Rerank
from scenehash.store import Area, Filter
from scenehash.store.records import parse_time
from scenehash.tiling import Tiling

MOST_HITS, MOST_QUERIES = 1000, 100
# The limit of rows and pixels: integers that every JSON reader keeps exactly.
LARGEST = 2**53 - 1

Number = Annotated[float, Field(allow_inf_nan=False)]
Natural = Annotated[int, Field(ge=0, le=LARGEST)]
Text = Annotated[str, Field(max_length=4096)]
Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="The id of a content.")]


def _time(value: Any) -> datetime:
    """As the command reads it; never a number, which would be seconds since 1970."""
    return value if isinstance(value, datetime) else parse_time(value)


Time = Annotated[datetime, BeforeValidator(_time)]
Place = Annotated[tuple[Number, Number], Field(description="Latitude and longitude, in degrees.")]
PixelWindow = Annotated[
    tuple[Natural, Natural, Natural, Natural], Field(description="x, y, width, height in pixels.")
]


class Request(BaseModel):
    """A request document without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RowQuery(Request):
    """A stored tile; station: its station, if there are several."""

    row: Natural
    station: Annotated[str | None, Field(max_length=200)] = None


class CodeQuery(Request):
    """A code in hexadecimal digits."""

    code: Annotated[str, Field(max_length=64)]


class PlaceQuery(Request):
    """The stored tile at a place: of the newest scene, the tile whose middle is nearest."""

    at: Place


class _PartQuery(Request):
    window: PixelWindow | None = None
    at: Place | None = None
    tile: Annotated[str | None, Field(max_length=20, description='Such as "512" or "300m".')] = None
    whole: bool = False

    def crop(self, params: DecodeParams | None = None) -> Crop:
        """The part of the scene; ConfigurationError when it is not valid."""
        tiling = Tiling.of_text(self.tile, whole=self.whole)
        return Crop(self.window, self.at, params or DecodeParams(), tiling)


class SceneQuery(_PartQuery):
    """A stored scene, read from its file, or a part of it."""

    scene: Id


class UploadQuery(_PartQuery):
    """An image that was uploaded, or a part of it."""

    upload: Id
    bands: Annotated[str | None, Field(max_length=200)] = None
    nodata: Number | None = None
    stretch: tuple[Number, Number] | None = None

    def params(self) -> DecodeParams:
        """How its file becomes pixels; ConfigurationError when it is not valid."""
        return DecodeParams(self.bands, self.nodata, self.stretch)


def _kind(value: Any) -> str:
    keys = value if isinstance(value, dict) else vars(value) if hasattr(value, "__dict__") else {}
    return next((key for key in ("row", "code", "upload", "scene") if key in keys), "at")


QueryRequest = Annotated[
    Annotated[RowQuery, Tag("row")]
    | Annotated[CodeQuery, Tag("code")]
    | Annotated[UploadQuery, Tag("upload")]
    | Annotated[SceneQuery, Tag("scene")]
    | Annotated[PlaceQuery, Tag("at")],
    Discriminator(_kind),
]
Queries = Annotated[list[QueryRequest], Field(max_length=MOST_QUERIES)]


class FilterRequest(Request):
    """Conditions on tiles; a tile must meet all given conditions. See scenehash.Filter."""

    scene: Text | None = None
    newer_than: Natural | None = None
    since: Time | None = None
    until: Time | None = None
    bbox: tuple[Number, Number, Number, Number] | None = None
    label: Text | None = None
    station: Text | None = None
    near: tuple[Number, Number, Number] | None = None
    area: Annotated[
        dict[str, Any] | None, Field(description="A GeoJSON Polygon or MultiPolygon.")
    ] = None

    def filter(self) -> Filter | None:
        """The filter; None without conditions; ConfigurationError when it is not valid."""
        found = Filter(
            self.scene,
            self.newer_than,
            self.since,
            self.until,
            self.bbox,
            self.label,
            self.near,
            None if self.area is None else Area.from_geojson(self.area),
            self.station,
        )
        return found or None


class SearchRequest(Request):
    """A search, with the options of scenehash search."""

    queries: Annotated[list[QueryRequest], Field(min_length=1, max_length=MOST_QUERIES)]
    unlike: Annotated[Queries, Field(alias="not")] = []
    k: Annotated[int, Field(ge=1, le=MOST_HITS)] = DEFAULT_HITS
    radius: Annotated[int | None, Field(ge=0, le=256)] = None
    other_scenes: bool = False
    rerank: Rerank | None = None
    group: bool = False
    explain: bool = False
    filter: FilterRequest = FilterRequest()


class AlertRequest(Request):
    """A new alert."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    examples: Annotated[list[QueryRequest], Field(min_length=1, max_length=MOST_QUERIES)]
    unlike: Annotated[Queries, Field(alias="not")] = []
    radius: Annotated[int | None, Field(ge=0, le=256)] = None
    false_alarms: Annotated[str | None, Field(max_length=40)] = None


class AlertTestRequest(AlertRequest):
    """An alert to test, and the label of the true scenes."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = "test"
    label: Text | None = None


class RateRequest(Request):
    """Another radius or another false alarm rate of an alert; without either, a new rule."""

    radius: Annotated[int | None, Field(ge=0, le=256)] = None
    false_alarms: Annotated[str | None, Field(max_length=40)] = None


class JudgeRequest(Request):
    """A tile to judge."""

    row: Natural


class ReleaseRequest(Request):
    """Inputs to release from the quarantine, with the paths of the list."""

    paths: Annotated[list[Text], Field(max_length=10_000)]


class IngestRequest(Request):
    """A file in the folder of accepted scenes, and labels."""

    name: Text
    labels: list[Text] = []


class AdaptRequest(Request):
    """An adaptation, with the options of scenehash adapt."""

    anyway: bool = False
    seed: Annotated[int, Field(ge=0, le=LARGEST)] = 0


class RehashRequest(Request):
    """A rehash, with the options of scenehash rehash; model: null is the shipped model."""

    model: Annotated[
        Literal["adapted", "open"] | None,
        Field(description='"adapted": the one that the last adaptation made; null: the shipped.'),
    ] = None
    bits: Annotated[int | None, Field(ge=1, le=256)] = None
    require_all: bool = False


class SessionRequest(Request):
    """A token."""

    token: Annotated[str, Field(max_length=200)]


Order = Literal["newest", "oldest"]


def query_of(text: str) -> QueryRequest:
    """A query in an address: row:12, code:0f3a, upload:ID, scene:ID, at:LAT,LON.

    Raises ConfigurationError on any other text.
    """
    kind, _, value = text.partition(":")
    try:
        match kind:
            case "row":
                station, _, row = value.rpartition("/")
                return RowQuery(row=int(row), station=station or None)
            case "code":
                return CodeQuery(code=value)
            case "upload":
                return UploadQuery(upload=value)
            case "scene":
                return SceneQuery(scene=value)
            case "at":
                latitude, longitude = map(float, value.split(","))
                return PlaceQuery(at=(latitude, longitude))
    except ValueError:
        pass
    raise ConfigurationError(
        f"{text}: a query is row:NUMBER, code:HEX, upload:ID, scene:ID or at:LATITUDE,LONGITUDE"
    )


def numbers_of(text: str | None, form: str) -> tuple[float, ...] | None:
    """Numbers separated by commas, in a form such as "W,S,E,N"; ConfigurationError."""
    if text is None:
        return None
    if not re.fullmatch(r"[-+\d.eE]+(,[-+\d.eE]+)*", text) or text.count(",") != form.count(","):
        raise ConfigurationError(f"{text}: not {form}")
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigurationError(f"{text}: not {form}") from error

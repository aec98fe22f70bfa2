"""The model card: the description inside a model file, as JSON."""

import base64
import struct
from typing import Annotated, Any, Literal, Self

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from scenehash.codes import MAX_BITS, MIN_BITS
from scenehash.decode_params import DecodeParams
from scenehash.errors import ConfigurationError, ModelError
from scenehash.tiles import MAX_TILE_SIZE, MIN_TILE_SIZE, Image

METADATA_KEY = "scenehash.card"

# A card may come with an untrusted file. These limits are far above export's cards.
MAX_CARD_BYTES = 16_000_000
MAX_CARD_VALUES = 50_000
MAX_GOLDEN_TILES = 64
MAX_PNG_BYTES = 8_000_000
MAX_DIMS = 1024

Bytes = Annotated[
    bytes,
    BeforeValidator(
        lambda text: base64.b64decode(text, validate=True) if isinstance(text, str) else text
    ),
    PlainSerializer(lambda data: base64.b64encode(data).decode("ascii"), when_used="json"),
]
ShortText = Annotated[str, Field(max_length=500)]
Bits = Annotated[int, Field(ge=MIN_BITS, le=MAX_BITS, multiple_of=8)]


class _Record(BaseModel):
    # Built when it is used, and what is inside a card with the card: a process starts sooner.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class DataRecord(_Record):
    """What the model was trained on."""

    name: ShortText
    classes: list[str]
    train_images: int
    test_images: int
    split_seed: int
    fingerprint: str = Field(description="hash over the names and contents of all images")
    archives: dict[str, str] = Field(
        default={}, description="the fingerprint of each archive by name, where they are several"
    )

    @property
    def fingerprints(self) -> set[str]:
        """The fingerprints of all archives."""
        return {self.fingerprint, *self.archives.values()}


class FidelityRecord(_Record):
    """The differences of this file from the FP32 network, on test images."""

    images: int
    bit_flip_rate: float = Field(description="fraction of bits that differ, 0 to 1")
    codes_unchanged: float = Field(description="fraction of images whose whole code is the same")
    map_at_20_reference: float = Field(description="map@20 of the FP32 network")
    map_at_20: float = Field(description="map@20 of this file")
    logit_snr_db: float = Field(description="signal to noise of the logits, in decibels")
    logits_near_zero: float = Field(
        description="fraction of FP32 logits that are smaller than the noise"
    )
    flips_by_bit: list[float] = Field(default=[], description="flip rate of bits 0 to K-1")
    flips_by_class: dict[str, float] = Field(default={}, description="flip rate by class")


class LayerRecord(_Record):
    """The difference of an INT8 layer's output from FP32, with INT8 in all layers before it."""

    name: str
    operator: str
    groups: int = 1
    snr_db: float = Field(description="signal to noise, in decibels")


class TrialRecord(_Record):
    """One way to quantize, compared with FP32 on held-out training images."""

    method: str
    rounding: str = Field(default="nearest", description="of the weights: nearest, or fitted")
    float_layers: int
    logit_snr_db: float
    bit_flip_rate: float
    milliseconds: float = Field(description="median of one tile on one thread, where it was made")


class CalibrationRecord(_Record):
    """The calibration of the INT8 ranges."""

    method: str
    images: int
    held_out: int = Field(default=0, description="training images that methods were compared on")
    trials: list[TrialRecord] = []
    float_layers: list[str] = Field(default=[], description="layers that stay in FP32")
    layers: list[LayerRecord] = []


class MatchDistances(_Record):
    """The meaning of distances for codes of a width: see scenehash.retrieval.match_words."""

    bits: Bits
    same_kind: int = Field(ge=0, le=MAX_BITS, description="the largest distance of that word")
    likely_same_kind: int = Field(ge=0, le=MAX_BITS, description="the same of that word")
    doubtful: int = Field(ge=0, le=MAX_BITS, description="the same of that word")
    nearest: int = Field(ge=0, le=MAX_BITS, description="the largest of a nearest hit")


class GoldenTile(_Record):
    """A tile and its code, for checks on new machines."""

    name: ShortText
    png: Bytes = Field(max_length=MAX_PNG_BYTES)
    code: Bytes
    logits: list[float] = Field(max_length=MAX_BITS)

    def tile(self) -> Image:
        """The tile, uint8 RGB [S, S, 3]; ModelError when it cannot be decoded."""
        data = np.frombuffer(self.png, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise ModelError(f"the golden tile {self.name} in its card cannot be decoded")
        return np.asarray(image, np.uint8)


class RepresentationRecord(_Record):
    """The output "representation": whole numbers from -127 to 127, to be kept as int8 [D]."""

    frame: ShortText = Field(description="id of the space: vectors compare within one alone")
    dims: int = Field(ge=1, le=MAX_DIMS, description="number of dimensions D")
    snr_db: float | None = Field(
        default=None, description="signal to noise beside FP32, in decibels, on test images"
    )


class AdaptationRecord(_Record):
    """The adaptation of a model's codes to the tiles of an archive."""

    base: ShortText = Field(description="name of the model that was adapted")
    base_lineage: ShortText
    tiles: int = Field(ge=0, description="tiles that it was fitted on")
    labelled: int = Field(default=0, ge=0, description="those of them with a label")
    judged: int = Field(ge=0, description="tiles that it was judged on, and not fitted on")
    gain: float = Field(description="estimate, without labels, of what codes gain; below 0: lose")


class Card(_Record):
    """The description of a model in its file."""

    format: Literal[1] = 1
    name: ShortText
    lineage: ShortText
    bits: Bits
    widths: list[Bits] = Field(
        default=[], description="numbers of leading bits that are codes on their own, beside all"
    )
    tile_size: int = Field(ge=MIN_TILE_SIZE, le=MAX_TILE_SIZE)
    decode_params: DecodeParams = Field(
        default=DecodeParams(), description="how files became pixels in training"
    )
    backbone: ShortText
    recipe: ShortText
    precision: Literal["fp32", "int8"]
    data: DataRecord
    calibration: CalibrationRecord | None
    fidelity: FidelityRecord | None
    quality: dict[str, float] = Field(description="retrieval quality on the test part")
    licence: str
    versions: dict[str, str]
    match_distances: list[MatchDistances] = Field(
        default=[], description="what distances mean, by width; none: as in the shipped model"
    )
    representation: RepresentationRecord | None = Field(
        default=None, description="None: the graph gives none"
    )
    adaptation: AdaptationRecord | None = Field(
        default=None, description="codes are linear in the representation, fitted on an archive"
    )
    golden: list[GoldenTile] = Field(max_length=MAX_GOLDEN_TILES)

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        if any(width > self.bits for width in self.widths):
            raise ValueError("a width is larger than the number of bits")
        for record in self.golden:
            if len(record.code) != self.bits // 8 or len(record.logits) != self.bits:
                raise ValueError(f"golden tile {record.name}: not a code of {self.bits} bits")
            if _png_size(record.png) != (self.tile_size, self.tile_size):
                raise ValueError(
                    f"golden tile {record.name}: not a PNG of {self.tile_size} x {self.tile_size}"
                )
        return self

    def to_json(self) -> str:
        """The card as JSON text."""
        return self.model_dump_json()

    def summary(self) -> dict[str, Any]:
        """The card without its golden tiles, as plain values."""
        return self.model_dump(mode="json", exclude={"golden"})

    @classmethod
    def from_json(cls, text: str | bytes) -> "Card":
        """Read a card; ModelError when its format is newer, or it is not a valid card."""
        data = text.encode() if isinstance(text, str) else text
        # A value of two bytes becomes an object of a hundred, so values are counted first.
        values = sum(data.count(mark) for mark in (b",", b":", b"[", b"{"))
        if len(data) > MAX_CARD_BYTES or values > MAX_CARD_VALUES:
            raise ModelError(
                f"the model card has {len(data):,} bytes and about {values:,} values; at most "
                f"{MAX_CARD_BYTES:,} and {MAX_CARD_VALUES:,} are read"
            )
        try:
            return cls.model_validate_json(text)
        except ConfigurationError as error:
            raise ModelError(f"the model card cannot be read ({error})") from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise ModelError(
                f"the model card cannot be read ({where}: {first['msg']}); "
                "the file may come from a newer scenehash: update scenehash, or export again"
            ) from error


def golden_tile(
    name: str, tile: Image, code: npt.NDArray[np.uint8], logits: npt.NDArray[np.float32]
) -> GoldenTile:
    """Record a tile [S, S, 3] with the model's code [K/8] and logits [K]."""
    encoded, png = cv2.imencode(".png", cv2.cvtColor(tile, cv2.COLOR_RGB2BGR))
    assert encoded
    rounded = [round(float(logit), 4) for logit in logits]
    return GoldenTile(name=name, png=png.tobytes(), code=code.tobytes(), logits=rounded)


def _png_size(png: bytes) -> tuple[int, int] | None:
    """Width and height in the header of a PNG; None when it is not one."""
    if png[:8] != b"\x89PNG\r\n\x1a\n" or png[12:16] != b"IHDR" or len(png) < 24:
        return None
    width, height = struct.unpack(">II", png[16:24])
    return width, height

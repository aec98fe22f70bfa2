"""The model card: what a model file says about itself, as JSON inside the file."""

import base64
from typing import Annotated, Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from scenehash.errors import ModelError
from scenehash.tiles import Image

METADATA_KEY = "scenehash.card"

Bytes = Annotated[
    bytes,
    BeforeValidator(lambda text: base64.b64decode(text) if isinstance(text, str) else text),
    PlainSerializer(lambda data: base64.b64encode(data).decode("ascii"), when_used="json"),
]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataRecord(_Record):
    """What the model was trained on."""

    name: str
    classes: list[str]
    train_images: int
    test_images: int
    split_seed: int
    fingerprint: str = Field(description="hash over the names and contents of all images")
    archives: dict[str, str] = Field(
        default={}, description="each archive's own fingerprint by its name, where they are several"
    )

    @property
    def fingerprints(self) -> set[str]:
        """The fingerprints of all archives."""
        return {self.fingerprint, *self.archives.values()}


class FidelityRecord(_Record):
    """How far this file departs from the FP32 network, on images that trained nothing."""

    images: int
    bit_flip_rate: float = Field(description="fraction of bits that differ, 0 to 1")
    codes_unchanged: float = Field(description="fraction of images whose whole code is the same")
    map_at_20_reference: float = Field(description="map@20 of the FP32 network")
    map_at_20: float = Field(description="map@20 of this file")
    # Since 0.2; cards of older files are without them.
    logit_snr_db: float | None = Field(
        default=None, description="signal to noise of the logits, in decibels"
    )
    logits_near_zero: float | None = Field(
        default=None, description="fraction of FP32 logits within the noise of zero"
    )
    flips_by_bit: list[float] = Field(default=[], description="flip rate of bits 0 to K-1")
    flips_by_class: dict[str, float] = Field(default={}, description="flip rate by class")


class LayerRecord(_Record):
    """How far an INT8 layer's output is from FP32's, with all INT8 layers before it."""

    name: str
    operator: str
    snr_db: float = Field(description="signal to noise, in decibels")


class TrialRecord(_Record):
    """One way to quantize that was tried on held-out train images."""

    method: str
    rounding: str = Field(default="nearest", description="of the weights: nearest, or fitted")
    float_layers: int
    logit_snr_db: float
    bit_flip_rate: float
    milliseconds: float = Field(description="median of one tile on one thread, where it was made")


class CalibrationRecord(_Record):
    """How the INT8 ranges were found."""

    method: str
    images: int
    held_out: int = Field(default=0, description="train images that the methods were compared on")
    trials: list[TrialRecord] = []
    float_layers: list[str] = Field(default=[], description="layers that were left in FP32")
    layers: list[LayerRecord] = []


class GoldenTile(_Record):
    """A tile and what it must hash to, for a new machine to replay."""

    name: str
    png: Bytes
    code: Bytes
    logits: list[float]

    def tile(self) -> Image:
        """The tile, uint8 RGB [S, S, 3]."""
        data = np.frombuffer(self.png, np.uint8)
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)


class Card(_Record):
    """All that a model file says about itself."""

    format: Literal[1] = 1
    name: str
    lineage: str
    bits: int
    widths: list[int] = Field(
        default=[], description="how many first bits are good codes of their own, beside all"
    )
    tile_size: int
    backbone: str
    recipe: str
    precision: Literal["fp32", "int8"]
    data: DataRecord
    calibration: CalibrationRecord | None
    fidelity: FidelityRecord | None
    quality: dict[str, float] = Field(description="retrieval quality on the test part")
    licence: str
    versions: dict[str, str]
    golden: list[GoldenTile]

    def to_json(self) -> str:
        """The card as JSON text."""
        return self.model_dump_json()

    def summary(self) -> dict[str, Any]:
        """The card without its golden tiles, as plain values."""
        return self.model_dump(mode="json", exclude={"golden"})

    @classmethod
    def from_json(cls, text: str) -> "Card":
        """Read a card; ModelError when it is of a newer format or not a card."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise ModelError(
                f"the model card cannot be read ({where}: {first['msg']}); "
                "the file may come from a newer scenehash: update scenehash, or export again"
            ) from error


def golden_tile(
    name: str, tile: Image, code: npt.NDArray[np.uint8], logits: npt.NDArray[np.float32]
) -> GoldenTile:
    """Record a tile [S, S, 3] with the code [K/8] and logits [K] that the model gives it."""
    encoded, png = cv2.imencode(".png", cv2.cvtColor(tile, cv2.COLOR_RGB2BGR))
    assert encoded
    rounded = [round(float(logit), 4) for logit in logits]
    return GoldenTile(name=name, png=png.tobytes(), code=code.tobytes(), logits=rounded)

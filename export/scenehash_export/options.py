"""Options of an export, and their defaults."""

from dataclasses import dataclass, field
from typing import Literal

Precision = Literal["int8", "fp32"]


@dataclass(frozen=True)
class Limits:
    """How far a file may differ from the FP32 network, on the run's test images.

    Both limits must hold. max_bit_flips: fraction of bits that differ, 0 to 1; INT8 and FP32 files
    of one run share a store, so their codes must agree. max_map_drop: the fall of map@20, 0 to 1;
    the search must stay as good.
    """

    max_bit_flips: float = 0.01
    max_map_drop: float = 0.005


@dataclass(frozen=True)
class ExportOptions:
    """Options of an export.

    calibration_images: number of training images for the INT8 ranges. group_pixels: see
    space_to_depth.py. licence: the licence in the card.
    """

    precision: Precision = "int8"
    calibration_images: int = 256
    group_pixels: bool = True
    licence: str = "not stated"
    limits: Limits = field(default_factory=Limits)

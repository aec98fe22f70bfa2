"""How files become pixels: the settings that a run, a model's card and a command may give."""

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from .errors import ConfigurationError


@dataclass(frozen=True)
class DecodeParams:
    """How a file's bands become red, green and blue of 8 bits; None: as the file itself suggests.

    bands: the bands for red, green and blue, see scenes.bands.choose. nodata: the value of pixels
    without data, in every band, in place of the values in the file. stretch: the values that become
    0 and 255; without it, 8-bit values do not change, and other types are stretched between the 2nd
    and the 98th percentile of the scene's valid pixels. Raises ConfigurationError.
    """

    # A key that is not known is an error in a run's configuration and in a model's card.
    __pydantic_config__: ClassVar = {"extra": "forbid"}

    bands: str | None = None
    nodata: float | None = None
    stretch: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.bands is not None:
            parts = self.bands.split(",")
            if len(parts) not in (1, 3) or not all(part.strip() for part in parts):
                raise ConfigurationError(
                    f"bands {self.bands}: give three (or one) by number or name, such as 4,3,2 or "
                    "B04,B03,B02, or a preset, such as sentinel2"
                )
        if self.nodata is not None and not isfinite(self.nodata):
            raise ConfigurationError("nodata: give a number; NaN never counts as data")
        if self.stretch is not None and not (
            all(map(isfinite, self.stretch)) and self.stretch[0] < self.stretch[1]
        ):
            raise ConfigurationError(
                f"stretch {self.stretch[0]:g},{self.stretch[1]:g}: give two numbers LOW,HIGH, the "
                "values that become 0 and 255"
            )

    def over(self, other: "DecodeParams") -> "DecodeParams":
        """These parameters; where they are None, the other's."""
        return DecodeParams(
            other.bands if self.bands is None else self.bands,
            other.nodata if self.nodata is None else self.nodata,
            other.stretch if self.stretch is None else self.stretch,
        )

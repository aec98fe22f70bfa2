"""Valid pixels: by nodata values, masks, alpha bands, and black margins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scenehash.decode_params import DecodeParams
from scenehash.tiling import Window

from .source import Pixels, Source, Valid

# Up to this value in all bands a pixel is black margin, since JPEG is not exact.
BLACK = 3
# The minimum share of 0 and maximum values in a true alpha band.
ALL_OR_NOTHING = 0.9
# What programs fill floats with, declared or not, and rounded or not: the least number of 32 bits
# or of 64 bits, and the greatest.
FILL, FILL_ENDS, LARGEST_FILL = 3.4e38, 3.41e38, 1.797e308


@dataclass(frozen=True)
class Validity:
    """How to find the valid pixels of the chosen bands.

    nodata: of each band. alpha: the number of the alpha band. mask: the file has a mask.
    black_margin: pixels that are black in all bands are margin. Besides, NaN, infinity and the
    smallest and largest numbers of a float type are never valid.
    """

    nodata: tuple[float | None, ...]
    alpha: int | None = None
    mask: bool = False
    black_margin: bool = False

    def document(self) -> dict[str, object]:
        """The fields as plain values, without unused ones."""
        used = {"alpha": self.alpha, "mask": self.mask, "black_margin": self.black_margin}
        names = [name for name, value in used.items() if value]
        # Values that are not finite are never valid, declared or not, and JSON has none.
        nodata = [
            value if value is not None and np.isfinite(value) else None for value in self.nodata
        ]
        declared = any(value is not None for value in nodata)
        result: dict[str, object] = {}
        if names or declared:
            result["valid_by"] = [*(["nodata"] if declared else []), *names]
        if declared:
            result["nodata"] = nodata
        return result

    def read(
        self,
        source: Source,
        bands: Sequence[int],
        window: Window,
        shape: tuple[int, int],
        is_sample: bool = False,
    ) -> tuple[Pixels, Valid | None]:
        """Read a window of bands, as Source.read does, and its valid pixels.

        Returns pixels [B, H, W], and bool [H, W] or None for all. Raises InputError.
        """
        pixels = source.read(bands, window, shape, is_sample)
        valid = self.of(pixels)
        if self.mask:
            valid = _both(valid, source.read_mask(bands, window, shape))
        if self.alpha is not None:
            valid = _both(valid, source.read([self.alpha], window, shape, is_sample)[0] > 0)
        return pixels, valid

    def valid_values(self, pixels: Pixels) -> Pixels:
        """The valid values in each band, of pixels [B, N] that are valid."""
        return np.concatenate(
            [band[~_missing(band, value)] for band, value in zip(pixels, self.nodata, strict=True)]
        )

    def of(self, pixels: Pixels) -> Valid | None:
        """The valid pixels of [B, H, W], by their values: bool [H, W]; None for all.

        Zero, and any value of 8 bits, may be a true value of one band: a pixel is without data only
        if all bands have it. For another nodata value, or NaN and similar values, one band is
        enough.
        """
        valid: Valid | None = None
        lenient: list[Valid] = []
        for band, value in zip(pixels, self.nodata, strict=True):
            if band.dtype.kind == "f":
                valid = _both(valid, _is_number(band))
            if value is None or np.isnan(value):
                continue
            if value == 0 or band.dtype == np.uint8:
                lenient.append(_equals(band, value))
            else:
                valid = _both(valid, ~_equals(band, value))
        if lenient:
            valid = _both(valid, ~np.logical_and.reduce(lenient))
        if self.black_margin:
            darkest = BLACK if pixels.dtype == np.uint8 else 0
            valid = _both(valid, np.maximum.reduce(pixels) > darkest)
        return valid


def validity_of(
    source: Source, bands: Sequence[int], params: DecodeParams, alpha: int | None
) -> Validity:
    """How to find the valid pixels of some bands; alpha: of a true alpha band.

    Black margins are only looked for in georeferenced colour rasters of unsigned integers without
    other declarations: there they come from warping. Elsewhere black is a normal value.
    """
    if params.nodata is not None:
        return Validity((params.nodata,) * len(bands), alpha, source.has_mask)
    nodata = tuple(source.nodata[band - 1] for band in bands)
    says_nothing = alpha is None and not source.has_mask and not any(v is not None for v in nodata)
    has_margin = source.has_collar and source.dtype_of(bands).kind == "u" and len(bands) == 3
    return Validity(nodata, alpha, source.has_mask, says_nothing and has_margin)


def declares(source: Source, bands: Sequence[int], value: float) -> bool:
    """Whether a file itself declares a nodata value for each of some bands."""
    dtype = source.dtype_of(bands)
    held = dtype.type if dtype.kind == "f" else float
    own = [source.nodata[band - 1] for band in bands]
    with np.errstate(over="ignore"):
        return all(one is not None and held(one) == held(value) for one in own)


def validity_from(document: Mapping[str, Any], alpha: int | None) -> Validity:
    """The validity in a document."""
    by = document.get("valid_by", ())
    nodata = document.get("nodata", [None] * len(document["bands"]))
    return Validity(
        tuple(None if value is None else float(value) for value in nodata),
        alpha if "alpha" in by else None,
        "mask" in by,
        "black_margin" in by,
    )


def is_alpha(sample: Pixels) -> bool:
    """Whether a band with the name alpha is one, by a sample: nearly all values are 0 or the
    maximum.
    """
    extremes = np.count_nonzero(sample == 0) + np.count_nonzero(sample == max(sample.max(), 1))
    return bool(extremes >= ALL_OR_NOTHING * sample.size)


def _missing(band: Pixels, value: float | None) -> Valid:
    unknown = ~_is_number(band) if band.dtype.kind == "f" else np.zeros(band.shape, np.bool_)
    return unknown if value is None or np.isnan(value) else unknown | _equals(band, value)


def _is_number(band: Pixels) -> Valid:
    """Where a float band has a value that can be valid."""
    size = np.abs(band)
    fill = size >= FILL
    if not fill.any():  # infinity is never valid either
        return ~np.isnan(band)
    if band.dtype != np.float32:
        fill &= (size <= FILL_ENDS) | (size >= LARGEST_FILL)
    return ~(fill | np.isnan(band))


def _equals(band: Pixels, value: float) -> Valid:
    """Where a band has a value; for floats, the value rounded to their type.

    Integers of 64 bits are compared as floats, since their nodata is only known as a float.
    """
    if band.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.asarray(band == band.dtype.type(value), np.bool_)
    if band.dtype.itemsize == 8:
        return np.asarray(band.astype(np.float64) == value, np.bool_)
    limits = np.iinfo(band.dtype)
    if value != int(value) or not limits.min <= value <= limits.max:
        return np.zeros(band.shape, np.bool_)
    return np.asarray(band == band.dtype.type(int(value)), np.bool_)


def _both(one: Valid | None, other: Valid) -> Valid:
    return other if one is None else one & other

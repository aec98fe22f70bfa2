"""The stretch: the values of a scene that become 0 and 255."""

from collections.abc import Iterator, Sequence

import numpy as np

from scenehash.tiles import Image
from scenehash.tiling import Window

from .source import Pixels, Source
from .validity import Validity

STRETCH_PERCENTILES = (2.0, 98.0)
SAMPLE_SIDE, SAMPLE_WINDOWS = 1024, 8
LARGE_PIXELS = 64_000_000
# A single integer band with no value above this has classes or bits.
GREATEST_CLASS = 15

Range = tuple[float, float]
FULL_RANGE: Range = (0.0, 255.0)


def leaves_alone(source: Source, bands: Sequence[int], stretch: Range) -> bool:
    """Whether a stretch has no effect on colours of 8 bits."""
    return stretch == FULL_RANGE and _is_colour_of_eight_bits(source, bands)


def find_stretch(source: Source, bands: Sequence[int], validity: Validity) -> Range | None:
    """The default values for 0 and 255; None: 8 bits do not change.

    A single band of few classes, or of bits, is stretched from its smallest to its largest value;
    other types than 8 bits between the 2nd and the 98th percentile of the bands' valid pixels.
    """
    if _is_colour_of_eight_bits(source, bands):
        return None
    if source.significant_bits is not None and source.significant_bits < 8:
        return (0.0, float(2**source.significant_bits - 1))
    dtype = source.dtype_of(bands)
    is_single, is_eight_bits = len(bands) == 1, dtype == np.uint8
    values = _valid_sample(source, bands, validity).astype(np.float64)
    if not len(values):
        return None if is_eight_bits else (0.0, 1.0)
    least, greatest = float(values.min()), float(values.max())
    if is_single and dtype.kind in "iu" and least >= 0 and greatest <= GREATEST_CLASS:
        return _apart(least, greatest)
    if is_eight_bits:
        return None
    low, high = np.percentile(values, STRETCH_PERCENTILES)
    return _apart(float(low), float(high))


def to_eight_bits(pixels: Pixels, stretch: Range | None) -> Image:
    """Pixels [B, H, W] as uint8: stretched, and rounded to the nearest."""
    if stretch is None:
        return pixels
    low, high = stretch
    kind = np.float32 if pixels.dtype.itemsize <= 2 or pixels.dtype == np.float32 else np.float64
    scaled: Pixels = pixels.astype(kind)
    with np.errstate(over="ignore", invalid="ignore"):  # invalid pixels may have any value
        scaled -= kind(low)
        factor = kind(np.float64(255) / (high - low))
        # Values may be so close together that their type cannot represent the factor.
        if np.isfinite(factor):
            scaled *= factor
        else:
            scaled = scaled / np.float64(high - low) * 255
    np.nan_to_num(scaled, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    return np.asarray(np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled).astype(np.uint8))


def sample_parts(source: Source) -> Iterator[tuple[Window, tuple[int, int]]]:
    """The parts to read for a sample of a scene: windows and the shape (H, W) to shrink them to.

    The whole scene at a low resolution, or, if that would read all data, parts all over the scene.
    """
    height, width = source.height, source.width
    if source.is_coarse_cheap or height * width <= LARGE_PIXELS:
        scale = min(1.0, SAMPLE_SIDE / max(height, width))
        shape = max(1, round(height * scale)), max(1, round(width * scale))
        yield Window(0, 0, width, height), shape
        return
    side = SAMPLE_SIDE // SAMPLE_WINDOWS
    down, across = min(side, height), min(side, width)
    for y in np.linspace(0, height - down, SAMPLE_WINDOWS).astype(int).tolist():
        for x in np.linspace(0, width - across, SAMPLE_WINDOWS).astype(int).tolist():
            yield Window(x, y, across, down), (down, across)


def _valid_sample(source: Source, bands: Sequence[int], validity: Validity) -> Pixels:
    """A sample [N] of the valid pixels of the bands."""
    found = []
    for window, shape in sample_parts(source):
        pixels, valid = validity.read(source, bands, window, shape, is_sample=True)
        held = pixels.reshape(len(pixels), -1) if valid is None else pixels[:, valid]
        found.append(validity.valid_values(held))
    return np.concatenate(found)


def _is_colour_of_eight_bits(source: Source, bands: Sequence[int]) -> bool:
    uses_all = source.significant_bits is None or source.significant_bits >= 8
    return uses_all and source.dtype_of(bands) == np.uint8 and len(bands) > 1


def _apart(low: float, high: float) -> Range:
    return low, high if high > low else low + 1e-6 * max(1.0, abs(low))

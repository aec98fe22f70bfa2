"""Decoding: the bands of a source become uint8 RGB, in the same way for every window of a scene."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from scenehash.decode_params import DecodeParams
from scenehash.tiles import Image
from scenehash.tiling import Window

from .bands import choose, is_preset
from .source import Source, Valid
from .stretch import Range, find_stretch, sample_parts, to_eight_bits
from .validity import Validity, is_alpha, validity_from, validity_of

LONGEST_NAME = 100


@dataclass(frozen=True)
class Decoding:
    """How the file of one scene becomes pixels.

    bands: numbers of red, green and blue, or of one grey band. stretch: the values for 0 and 255;
    None for 8 bits without a stretch. warnings: guesses.
    """

    bands: tuple[int, ...]
    stretch: Range | None
    validity: Validity
    names: tuple[str | None, ...] = ()
    warnings: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """The fields as plain values, to get the same pixels later; see decoding_from."""
        result: dict[str, object] = {"bands": list(self.bands)}
        if any(self.names):
            result["names"] = [name and name[:LONGEST_NAME] for name in self.names]
        if self.stretch is not None:
            result["stretch"] = list(self.stretch)
        return result | self.validity.document()


def decide(source: Source, params: DecodeParams) -> Decoding:
    """Decide how to decode a source; InputError when its bands do not tell."""
    alpha = source.bands.alpha
    is_false = alpha is not None and not _has_alpha(source, alpha)
    # What a mission delivered in four bands of 8 bits has a last one that GDAL calls alpha: where a
    # preset is asked for, its values tell.
    is_data = is_false and is_preset(params.bands)
    named = source.bands.without_alpha() if is_data else source.bands
    choice = choose(named, params.bands)
    bands = choice.numbers
    warnings = []
    if choice.is_guess:
        warnings.append(
            "its bands have no names: the first three are taken as red, green and blue; "
            "choose with --bands"
        )
    if choice.by_position:
        warnings.append(
            f"its {len(named.data)} bands have no names: --bands {params.bands} takes "
            f"{','.join(map(str, bands))} by their position; see whether that is right"
        )
    if alpha in bands:
        alpha = None
    elif is_false:
        warnings.append(
            f"its band {alpha} has the name alpha, but is not a mask of two values, and is not used"
        )
        alpha = None
    validity = validity_of(source, bands, params, alpha)
    stretch = params.stretch or find_stretch(source, bands, validity)
    names = tuple(source.bands.names[band - 1] for band in bands)
    return Decoding(bands, stretch, validity, names, tuple(warnings))


def decoding_from(document: Mapping[str, Any], source: Source) -> Decoding:
    """The decoding of a document; InputError when the source lacks its bands.

    Documents of stores from before 0.2 lack the validity, which is then found again.
    """
    stretch = document.get("stretch")
    limits = (float(stretch[0]), float(stretch[1])) if stretch else None
    if "bands" not in document or "valid by" in document:
        wanted = ",".join(map(str, document["bands"])) if "bands" in document else None
        return decide(source, DecodeParams(wanted, None, limits))
    bands = choose(source.bands, ",".join(map(str, document["bands"]))).numbers
    return Decoding(bands, limits, validity_from(document, source.bands.alpha))


def read_rgb(
    source: Source, decoding: Decoding, window: Window, shape: tuple[int, int]
) -> tuple[Image, Valid | None]:
    """A window as uint8 RGB [H, W, 3], shrunk to a shape (H, W), and its valid pixels.

    They are bool [H, W], or None for all. Pixels without data are black. Raises InputError.
    """
    validity = decoding.validity
    pixels, valid = validity.read(source, decoding.bands, window, shape)
    image = _interleaved(to_eight_bits(pixels, decoding.stretch))
    if source.is_white_zero:
        image = np.asarray(cv2.bitwise_not(image), np.uint8)
    if valid is not None and not validity.black_margin:
        image = _black_without(image, valid)
    return image, valid


def _has_alpha(source: Source, alpha: int) -> bool:
    parts = (source.read([alpha], *part, is_sample=True) for part in sample_parts(source))
    return is_alpha(np.concatenate([pixels.ravel() for pixels in parts]))


def _interleaved(pixels: Image) -> Image:
    """Planes [B, H, W] as [H, W, 3]; without a copy where they are so in memory."""
    if len(pixels) == 1:
        return np.asarray(cv2.merge([np.ascontiguousarray(pixels[0])] * 3), np.uint8)
    if pixels.strides[0] == pixels.itemsize:
        return np.moveaxis(pixels, 0, 2)
    return np.asarray(cv2.merge(list(pixels)), np.uint8)


def _black_without(image: Image, valid: Valid) -> Image:
    mask = valid.view(np.uint8)
    if cv2.countNonZero(np.ascontiguousarray(mask)) == mask.size:
        return image
    return np.asarray(cv2.bitwise_and(image, image, mask=mask), np.uint8)

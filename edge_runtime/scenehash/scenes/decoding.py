"""Plain image files: their bytes become uint8 RGB pixels, or an error that says what is wrong."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from scenehash.errors import InputError
from scenehash.tiles import Image

from .bounds import check_bounds
from .integrity import find_damage

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
STRETCH_PERCENTILES = (2.0, 98.0)


def read_image(path: Path) -> Image:
    """Read an image file as uint8 RGB [H, W, 3].

    Raises InputError, naming the file and what is wrong with it.
    """
    try:
        return decode_image(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path) from error
    except InputError as error:
        raise InputError(error.reason, path) from error


def decode_image(data: bytes) -> Image:
    """Decode a file's bytes to uint8 RGB [H, W, 3].

    Greyscale is repeated into three bands, alpha is dropped, 16 bit is stretched to 8 bit between
    the 2nd and the 98th percentile of all its values. Raises InputError on bytes that are no whole
    image: a truncated or damaged file is refused, where OpenCV would fill what is missing.
    """
    if not data:
        raise InputError("the file is empty (0 bytes)")
    check_bounds(data)
    if damage := find_damage(data):
        raise InputError(f"the image is damaged or truncated ({damage}); copy the file again")
    try:
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise InputError(f"the image cannot be decoded ({error.err})") from error
    if decoded is None:
        raise InputError("OpenCV cannot decode it: damaged, or a kind of its format that it lacks")
    return as_rgb(decoded)


def as_rgb(image: npt.NDArray[np.generic]) -> Image:
    """Bring pixels of shape [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] to uint8 RGB [H, W, 3].

    uint16 is stretched as ``decode_image`` says. Raises InputError on other shapes and types.
    """
    if image.ndim == 2:
        image = image[:, :, np.newaxis]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or 0 in image.shape:
        raise InputError(f"an image of shape {image.shape} is not [H, W], or 1, 3 or 4 bands")
    colour = image[:, :, :3] if image.shape[2] != 1 else np.repeat(image, 3, axis=2)
    if colour.dtype == np.uint8:
        return np.ascontiguousarray(colour, np.uint8)
    if colour.dtype == np.uint16:
        return _stretch(colour.astype(np.float32))
    raise InputError(f"pixels of type {colour.dtype} are not supported (uint8 and uint16 are)")


def _stretch(values: npt.NDArray[np.float32]) -> Image:
    low, high = np.percentile(values, STRETCH_PERCENTILES)
    scaled = (values - low) * (255.0 / max(high - low, 1.0))
    stretched: Image = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return stretched

"""Is a stored tile the place that a picture shows? Thumbnails compared, moved against each other.

Codes tell kinds of scenes apart, not places: of two tiles of the same wood either may be nearer to
a crop of one of them. The middle of the crop is looked for in the tile's thumbnail, wherever it may
have moved to, by normalised cross-correlation, which brightness and contrast leave as it is. Both
are freed of what is coarser and finer than the texture that tells places apart: slow gradients are
alike everywhere, and the finest grain changes when an image is moved by half a pixel. Source:
Lewis, "Fast normalized cross-correlation", Vision Interface, 1995.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from scenehash.scenes.thumbnails import SIDE, make_thumbnail
from scenehash.store import CodeStore, Hit
from scenehash.tiles import Image

# A crop may be moved by this share of its side; what is inside of that on all sides is looked for.
FARTHEST = 0.2
MARGIN = int(np.ceil(FARTHEST * SIDE))
# Standard deviations of the Gaussians that free a thumbnail of the finest grain and of gradients.
FINE, COARSE = 1.0, 6.0
# How alike two pictures of one place are, at least. docs/scenes.md has the distributions.
ALIKE = 0.9
# Grey levels, standard deviation: what has less texture is the same everywhere.
LEAST_TEXTURE = 1.0

Texture = npt.NDArray[np.float32]


def same_place_first(store: CodeStore, images: Iterable[Image], hits: Sequence[Hit]) -> list[Hit]:
    """Bring the hits that show the place of an image to the front, and mark all hits as compared.

    images: uint8 RGB [H, W, 3], of the size on the ground that tiles have. The more a hit shares
    with an image the farther in front it comes; of equals, and of the others, the order stays. A
    hit without a thumbnail is not compared.
    """
    middles = [middle for middle in map(middle_of, images) if middle is not None]
    thumbnails = store.thumbnails.of([hit.row for hit in hits])
    compared: list[tuple[float, Hit]] = []
    for hit in hits:
        if hit.row not in thumbnails:
            compared.append((0.0, hit))
            continue
        texture = texture_of(thumbnails[hit.row])
        shared = max((_shared(middle, texture) for middle in middles), default=0.0)
        compared.append((shared, replace(hit, same_place=shared > 0)))
    return [hit for _, hit in sorted(compared, key=lambda pair: -pair[0])]


def alikeness(middle: Texture, texture: Texture) -> tuple[float, float, float]:
    """How alike the middle of a picture is to a part of another, -1 to 1, and where that lies.

    middle: float32 [SIDE - 2 MARGIN] * 2, texture: [SIDE] * 2. Where: by how many of the
    thumbnail's pixels the picture has moved to the right and down.
    """
    found = np.asarray(cv2.matchTemplate(texture, middle, cv2.TM_CCOEFF_NORMED), np.float32)
    _, best, _, (x, y) = cv2.minMaxLoc(found)
    across, down = _peak(found[y], x), _peak(found[:, x], y)
    return float(best), across - MARGIN, down - MARGIN


def _shared(middle: Texture, texture: Texture) -> float:
    """The share of its area, to the hundredth, that a picture shares with another; 0 for none."""
    alike, across, down = alikeness(middle, texture)
    if alike < ALIKE:
        return 0.0
    return round((1 - abs(across) / SIDE) * (1 - abs(down) / SIDE), 2)


def middle_of(image: Image) -> Texture | None:
    """The part of uint8 RGB [H, W, 3] that is looked for, float32 [SIDE - 2 MARGIN] * 2.

    None when it has no texture to be known by.
    """
    middle = texture_of(make_thumbnail(image))[MARGIN : SIDE - MARGIN, MARGIN : SIDE - MARGIN]
    return np.ascontiguousarray(middle) if middle.std() >= LEAST_TEXTURE else None


def texture_of(thumbnail: bytes) -> Texture:
    """What of a thumbnail tells places apart, float32 [SIDE, SIDE]."""
    grey = np.asarray(cv2.imdecode(np.frombuffer(thumbnail, np.uint8), cv2.IMREAD_GRAYSCALE))
    levels = np.asarray(cv2.resize(grey, (SIDE, SIDE)), np.float32)
    return cv2.GaussianBlur(levels, (0, 0), FINE) - cv2.GaussianBlur(levels, (0, 0), COARSE)


def _peak(values: npt.NDArray[np.float32], at: int) -> float:
    """Where a curve is highest, between the samples: the parabola through three of them."""
    if not 0 < at < len(values) - 1:
        return float(at)
    before, here, after = values[at - 1 : at + 2].tolist()
    bend = before - 2 * here + after
    return at + (0.5 * (before - after) / bend if bend else 0.0)

"""Archives to search: packed codes of every kind of spread, and queries drawn as the codes were."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from scenehash import HashModel
from scenehash.codes import Codes

QUERIES = 64
# By spread: how many centres, and how many 256ths of all bits are flipped away from them. None: no
# centres. 21 tight clusters of 10 M codes have about 2 M distinct ones, as trained codes did.
SPREADS: dict[str, tuple[int | None, int]] = {
    "uniform": (None, 0),
    "loose": (1000, 26),
    "tight": (21, 7),
    "real": (None, 5),
}
_CHUNK = 500_000


def draw(
    spread: str, bits: int, rows: int, seed: int, centres: Codes | None
) -> tuple[Codes, Codes]:
    """Codes uint8 [rows, bits/8] and queries uint8 [64, bits/8], none of them a stored row's.

    centres: where a spread "real" lies around.
    """
    rng = np.random.default_rng([seed, bits, rows])
    count, flips = SPREADS[spread]
    if count is not None:
        centres = rng.integers(0, 256, (count, bits // 8), np.uint8)
    codes = np.empty((rows + QUERIES, bits // 8), np.uint8)
    for start in range(0, len(codes), _CHUNK):
        part = codes[start : start + _CHUNK]
        if centres is None:
            part[:] = rng.integers(0, 256, part.shape, np.uint8)
            continue
        part[:] = centres[rng.integers(0, len(centres), len(part))]
        part ^= np.packbits(rng.integers(0, 256, (len(part), bits), np.uint8) < flips, axis=1)
    return codes[QUERIES:], codes[:QUERIES]


def real_codes(data: Path, cache: Path | None) -> Codes | None:
    """The shipped model's codes of UC Merced and EuroSAT; None where the images are not there."""
    if cache is not None and cache.is_file():
        return np.load(cache)
    paths = [
        path for name in ("ucmerced", "eurosat5k") for path in sorted((data / name).rglob("*.jpg"))
    ]
    if not paths:
        return None
    model = HashModel.load()
    parts: list[npt.NDArray[np.uint8]] = []
    for start in range(0, len(paths), 64):
        images = [cv2.imread(str(path), cv2.IMREAD_COLOR_RGB) for path in paths[start : start + 64]]
        parts.append(model.encode(images))
    if cache is not None:
        np.save(cache, np.concatenate(parts))
    return np.concatenate(parts)

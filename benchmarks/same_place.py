"""How alike are two pictures of one place, and pictures of two places?

    python benchmarks/same_place.py IMAGES... [--crops 400] [--among 100] [--model M.onnx]

Of each image a crop, 0.8 of its side, is what is stored. One that is moved, so that it shares at
least 0.8 of its area, and has another brightness and contrast, is what is searched with. It is
compared with the stored crop of its own image, and with those of the images that are nearest to it
by their codes. same_place.ALIKE was chosen by this on UC Merced, of which no crop in crops.py is.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from scenehash import HashModel
from scenehash.codes import hamming
from scenehash.retrieval.place_match import ALIKE, alikeness, middle_of, texture_of
from scenehash.scenes import find_scenes, read_image
from scenehash.scenes.thumbnails import make_thumbnail
from scenehash.tiles import Image

CROPPED, LEAST_SHARED = 0.8, 0.8
CONTRAST, BRIGHTNESS = (0.8, 1.25), (-20.0, 20.0)
PERCENTILES = (0.5, 1, 5, 50, 95, 99, 99.5)


def cut(image: Image, across: int = 0, down: int = 0) -> Image:
    """The middle of an image, or what lies some pixels to the right of it and down."""
    height, width = image.shape[:2]
    side = round(CROPPED * min(height, width))
    left, top = (width - side) // 2 + across, (height - side) // 2 + down
    return image[top : top + side, left : left + side]


def moved(rng: np.random.Generator, image: Image) -> Image:
    """A crop that shares enough with the middle, as if taken on another day."""
    room = int(min(image.shape[:2]) * (1 - CROPPED) / 2)
    side = round(CROPPED * min(image.shape[:2]))
    while True:
        across, down = rng.integers(-room, room + 1, 2).tolist()
        if (side - abs(across)) * (side - abs(down)) >= LEAST_SHARED * side**2:
            break
    levels = cut(image, across, down) * rng.uniform(*CONTRAST) + rng.uniform(*BRIGHTNESS)
    return np.clip(levels, 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", nargs="+", type=Path)
    parser.add_argument("--crops", type=int, default=400)
    parser.add_argument("--among", type=int, default=100)
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    model = HashModel.load(arguments.model, threads=1)
    stored, codes = [], []
    for path in (paths := find_scenes(arguments.images)):
        crop = cut(read_image(path))
        stored.append(texture_of(make_thumbnail(crop)))
        codes.append(model.encode([crop])[0])
    rng = np.random.default_rng(0)
    same, other, pairs = [], [], []
    plain = 0
    for own in rng.permutation(len(paths))[: arguments.crops].tolist():
        crop = moved(rng, read_image(paths[own]))
        if (middle := middle_of(make_thumbnail(crop))) is None:
            plain += 1
            continue
        distances = hamming(np.array(codes), model.encode([crop])[0])
        nearest = np.argsort(distances, kind="stable")[: arguments.among + 1].tolist()
        scores = {at: alikeness(middle, stored[at])[0] for at in {*nearest, own}}
        same.append(scores.pop(own))
        best = max(scores, key=lambda at: scores[at])
        other.append(scores[best])
        pairs.append((scores[best], paths[own].name, paths[best].name))
    print(f"{len(same)} crops, and {plain} without texture; percentiles", *PERCENTILES, sep="  ")
    _show("alikeness of one place", same)
    _show(f"of the most alike of {arguments.among} others", other)
    for alike in sorted({0.8, 0.85, ALIKE, 0.95}):
        kept, wrong = np.mean(np.array(same) >= alike), np.mean(np.array(other) >= alike)
        print(f"  {alike:.2f}: {kept:.1%} of places are known, another is taken for it {wrong:.1%}")
    for alike, name, wrong_name in sorted(pairs, reverse=True)[:8]:
        print(f"  {alike:.3f}  {name}  {wrong_name}")


def _show(name: str, scores: list[float]) -> None:
    values: npt.NDArray[np.float64] = np.percentile(scores, PERCENTILES)
    print(f"  {name:32}", *(f"{value:.3f}" for value in values))


if __name__ == "__main__":
    main()

"""Choose the demo's tiles from UC Merced's test part, and write them into the package.

    python benchmarks/demo_tiles.py [UCMERCED]

The choice is by position alone: of each class, images of 256 x 256 pixels of the test part of seed
0, in the order of their names, evenly spread. No model has a say in it.
"""

import os
import sys
from pathlib import Path

import cv2
import numpy as np

from scenehash.demo.tiles import FOLDER, KINDS, TILES_PER_KIND
from scenehash.scenes import read_image
from scenehash_train.data import read_archive, split

SEED, SIZE, JPEG_QUALITY = 0, 256, 87

default = Path(os.environ.get("SCENEHASH_DATA", "../shared/data")) / "ucmerced"
root = Path(sys.argv[1]) if len(sys.argv) > 1 else default
test = [image.path for image in split(read_archive(root).images, SEED).test]
for kind in KINDS:
    paths = [path for path in test if path.parent.name == kind]
    whole = [path for path in paths if read_image(path).shape == (SIZE, SIZE, 3)]
    (FOLDER / kind).mkdir(parents=True, exist_ok=True)
    for position in np.linspace(0, len(whole) - 1, TILES_PER_KIND).round().astype(int):
        pixels = cv2.cvtColor(read_image(whole[position]), cv2.COLOR_RGB2BGR)
        options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
        out = FOLDER / kind / f"{whole[position].stem}.jpg"
        assert cv2.imwrite(str(out), pixels, options)
tiles = sorted(FOLDER.glob("*/*.jpg"))
print(f"{len(tiles)} tiles, {sum(tile.stat().st_size for tile in tiles)} bytes in {FOLDER}")

"""Tiles, codes and logits of a folder's images as this machine computes them.

python tests/arm/codes.py FOLDER OUT.npz
"""

import os
import platform
import sys
from pathlib import Path

import numpy as np

from edge_runtime import HashModel
from edge_runtime.tiles import read_image, to_tile

images = [read_image(path) for path in sorted(Path(sys.argv[1]).iterdir())]
# load() replays the golden tiles, and refuses, or warns, by its rule.
model = HashModel.load(os.environ.get("SCENEHASH_MODEL"))
tiles = np.stack([to_tile(image, model.tile_size) for image in images])
np.savez(sys.argv[2], tiles=tiles, codes=model.encode(images), logits=model.logits(images))
print(f"{platform.machine()}: {len(images)} tiles; golden tiles: {model.golden_drift:.2%} of bits")

"""Tiles, codes and logits of a folder's images as this machine computes them.

python tests/emulation/codes.py FOLDER OUT.npz
"""

import os
import platform
import sys
from pathlib import Path

import numpy as np

from scenehash import HashModel
from scenehash.codes import pack
from scenehash.model.model_file import shipped_model
from scenehash.scenes import read_image
from scenehash.tiles import to_tile

folder, out = sys.argv[1:]
path = Path(os.environ.get("SCENEHASH_MODEL") or shipped_model())
images = [read_image(image) for image in sorted(Path(folder).iterdir())]
model = HashModel.load(path)
tiles = np.stack([to_tile(image, model.tile_size) for image in images])
logits = model.logits(images)
print(f"{platform.machine()}: {len(images)} tiles; golden: {model.golden_drift:.2%} of bits")
np.savez(out, tiles=tiles, codes=pack(logits), logits=logits)

"""Copy a few real images of every class into a folder, or tiles of the demo where there are none.

python tests/emulation/images.py CLASSES FOLDER COUNT
"""

import shutil
import sys
from pathlib import Path

from scenehash.demo.tiles import KINDS, tile_paths

classes, folder, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
folder.mkdir()
if classes.is_dir():
    folders = sorted(path for path in classes.iterdir() if path.is_dir())
    ordered = [sorted(path.iterdir()) for path in folders]
    # One of each class, then a second of each, far from the first in its series.
    chosen = [images[37 * turn % len(images)] for turn in range(count) for images in ordered]
    for image in chosen[:count]:
        shutil.copy(image, folder)
else:
    for image in [path for kind in KINDS for path in tile_paths(kind)][:count]:
        shutil.copy(image, folder)
kind = f"images of {classes.name}" if classes.is_dir() else "tiles of the demo"
print(f"{len(list(folder.iterdir()))} {kind}")

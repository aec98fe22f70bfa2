"""Copy a few real images of every class into a folder, or draw scenes where there are none.

python tests/emulation/images.py CLASSES FOLDER COUNT
"""

import shutil
import sys
from pathlib import Path

from scenehash.demo.drawn_scenes import archive
from scenehash.report.contact_sheet import write_picture

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
    for name, picture in list(archive(-(-count // 10), 0))[:count]:
        write_picture(folder / name, picture)
kind = f"images of {classes.name}" if classes.is_dir() else "drawn scenes"
print(f"{len(list(folder.iterdir()))} {kind}")

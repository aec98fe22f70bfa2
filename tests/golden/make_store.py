"""How the golden store of the present format was made: python -m tests.golden.make_store FOLDER

It is made once for a format version, and read for ever by all later ones; it is never made again.
"""

import sys
from pathlib import Path

from scenehash import CodeStore, Filter
from scenehash.store import Alert, Arrival

from ..scenehash.store.samples import LINEAGE, placed, scene

PLACED = [
    placed(number, 1 + number % 3, (179.985 - number, 10.0), ("harbor",)) for number in range(6)
]
PLAIN = [scene(number, 2) for number in range(6, 9)]


def main(folder: Path) -> None:
    with CodeStore.create(folder, LINEAGE, 64, "a-model") as store:
        store.add(PLACED[:4])
        store.add(PLAIN)
        store.delete(Filter(scene="/scenes/1.png"))
        store.compact()
        store.add(PLACED[4:])
        store.delete(Filter(scene="/scenes/7.png"))
        store.quarantine.add({"/scenes/broken.tif": "the file is empty (0 bytes)"})
        store.alerts.add(Alert("quay", 8, PLACED[0].codes, PLACED[2].codes[:1], ("a.png", "row:3")))
        store.outbox.note(['{"kind": "scene"}'], [Arrival("/scenes/0.png", 5, 7)])
    for side in ("catalog.sqlite-wal", "catalog.sqlite-shm", "writer.lock"):
        (folder / side).unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

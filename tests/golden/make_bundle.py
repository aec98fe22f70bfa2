"""How the golden bundle of format 1 was made: python -m tests.golden.make_bundle FOLDER

It is made once for a format version, and read for ever by all later ones; it is never made again.
"""

import sys
import tempfile
from pathlib import Path

from scenehash import CodeStore, Filter
from scenehash.link import pack_bundle

from .make_store import PLACED, PLAIN


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "store"
        with CodeStore.create(path, "a" * 16, 64, "a-model") as store:
            store.name_station("north-1")
            store.add([*PLACED, *PLAIN])
            store.delete(Filter(scene="/scenes/1.png"))
            store.outbox.note(['{"kind": "scene", "alerts": [{"name": "quay"}]}', '{"alerts": []}'])
        pack_bundle(path, "ground", folder / "bundle-1.shlb")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

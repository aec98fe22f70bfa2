"""How the golden bundles of format 1 were made: python -m tests.golden.make_bundle FOLDER

Each is made once for a format version, and read for ever by all later ones; none is made again.
"""

import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from scenehash import CodeStore, Filter
from scenehash.geo import on_footprint_steps
from scenehash.link import (
    AskOptions,
    PackOptions,
    answer_peer,
    apply_bundles,
    ask_peer,
    pack_bundle,
)
from scenehash.store import Alert, HashedScene

from .make_store import PLACED, PLAIN


def on_steps(scene: HashedScene) -> HashedScene:
    """As scenes are read from files: footprints then travel by a polynomial."""
    assert scene.footprints is not None
    return replace(scene, footprints=on_footprint_steps(scene.footprints))


# The last one travels as it is.
SENT = [*map(on_steps, PLACED[:-1]), PLACED[-1]]
CODE = f"code:{PLACED[2].codes[1].tobytes().hex()}"
WHERE = Filter(since=datetime(2026, 1, 2, tzinfo=UTC), bbox=(-180, 0, 180, 20), label="harbor")


def main(folder: Path) -> None:
    """bundle-1 goes up, bundle-1-down has a query, an alert and a file, bundle-1-answer answers.

    bundle-1-label goes up after bundle-1, with a label that a scene got since.
    """
    up, down, back, label = (
        folder / f"bundle-1{what}.shlb" for what in ("", "-down", "-answer", "-label")
    )
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "store"
        with CodeStore.create(path, "a" * 16, 64, "a-model") as store:
            store.name_station("north-1")
            store.add([*SENT, *PLAIN])
            store.delete(Filter(scene="/scenes/1.png"))
            store.outbox.note(['{"kind": "scene", "alerts": [{"name": "quay"}]}', '{"alerts": []}'])
        if not up.exists():
            pack_bundle(path, "ground", up)
        ground, model = Path(name) / "ground", Path(name) / "adapted.onnx"
        model.write_bytes(bytes(range(256)) * 70)
        model.with_name("adapted.onnx.sig").write_text("a signature")
        apply_bundles([up], ground)
        with CodeStore.open(ground, writable=True) as store:
            alert = Alert("quay", 8, PLACED[0].codes, PLACED[2].codes[:1], ("a.png", "row:3"))
            store.alerts.add(alert)
        ask_peer(ground, "north-1", [CODE], (), Path(name), AskOptions(3, where=WHERE))
        pack_bundle(ground, "north-1", down, PackOptions(down=True, files=(model,)))
        answer_peer([down], path, back)
        with CodeStore.open(path, writable=True) as store:
            store.label(Filter(scene=PLACED[0].path), ["flood"])
        pack_bundle(path, "ground", label)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The scenes of a store, to be added to another store."""

from collections.abc import Iterable, Iterator

from scenehash.codes import Codes
from scenehash.errors import StoreDamagedError

from ..files.thumbnails import Thumbnails
from ..files.vectors import Vectors
from ..records import HashedScene, SceneRecord

# Scenes per commit.
GROUP = 256


def groups_of(
    found: Iterable[tuple[SceneRecord, Codes] | StoreDamagedError],
    thumbnails: Thumbnails | None,
    vectors: Vectors | None,
) -> Iterator[tuple[list[HashedScene], tuple[str, ...]]]:
    """Scenes in groups, and a line for each damaged scene.

    thumbnails, vectors: the sources of the scenes' thumbnails and vectors; None: none.
    """
    scenes: list[HashedScene] = []
    damaged: list[str] = []
    for scene in found:
        if isinstance(scene, StoreDamagedError):
            damaged.append(str(scene))
            continue
        record, codes = scene
        pictures = None if thumbnails is None else thumbnails.of_scene(record)
        own = None if vectors is None else vectors.read_scene(record)
        scenes.append(record.hashed(codes, pictures, own))
        if len(scenes) == GROUP:
            yield scenes, tuple(damaged)
            scenes, damaged = [], []
    if scenes or damaged:
        yield scenes, tuple(damaged)

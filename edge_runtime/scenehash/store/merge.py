"""The scenes of a store as they are added to another one."""

from collections.abc import Iterator

from scenehash.errors import StoreDamagedError

from .records import HashedScene
from .snapshot import Snapshot
from .thumbnails import Thumbnails

# Scenes committed together.
GROUP = 256


def groups_of(
    snapshot: Snapshot, thumbnails: Thumbnails | None
) -> Iterator[tuple[list[HashedScene], tuple[str, ...]]]:
    """All scenes in groups, and a line for each that is damaged.

    thumbnails: where the scenes' thumbnails are taken from; None: from nowhere.
    """
    scenes: list[HashedScene] = []
    damaged: list[str] = []
    for number in snapshot.catalog.scenes.numbers():
        try:
            record, codes = snapshot.read_scene(number)
        except StoreDamagedError as damage:
            damaged.append(str(damage))
            continue
        pictures = None if thumbnails is None else thumbnails.of_scene(record)
        scenes.append(record.hashed(codes, pictures))
        if len(scenes) == GROUP:
            yield scenes, tuple(damaged)
            scenes, damaged = [], []
    if scenes or damaged:
        yield scenes, tuple(damaged)

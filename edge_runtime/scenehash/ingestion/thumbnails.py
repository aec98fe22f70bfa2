"""Missing thumbnails of stored tiles."""

from collections.abc import Sequence

from scenehash.errors import InputError
from scenehash.scenes import Window
from scenehash.scenes.thumbnails import SIDE, make_thumbnail
from scenehash.store import CodeStore, SceneRecord

from .report import Made
from .rereading import reopen_stored

# Larger windows may be read at this resolution.
READ_SIDE = 4 * SIDE


def make_missing(store: CodeStore) -> Made:
    """Make the missing and damaged thumbnails of stored tiles, durably.

    The pixels are those that were hashed: the scene's file must exist, with the same content.
    Scenes are done one by one, so a second call continues an interrupted one.
    """
    done = Made()
    for record, pictures in store.thumbnails_by_scene():
        lacking = [tile for tile, picture in enumerate(pictures) if picture is None]
        if not lacking:
            continue
        try:
            fresh = _pictures(record, [Window(*record.windows[tile].tolist()) for tile in lacking])
        except InputError as error:
            done.gone[record.path] = error.reason
            continue
        for tile, picture in zip(lacking, fresh, strict=True):
            pictures[tile] = picture
        if store.thumbnails.put([record], [pictures]):
            done.made += len(lacking)
    return done


def _pictures(record: SceneRecord, windows: Sequence[Window]) -> list[bytes]:
    with reopen_stored(record) as scene:
        return [
            make_thumbnail(tile.image)
            for group in scene.tiles(windows, READ_SIDE)
            for tile in group
            if tile.image is not None
        ]

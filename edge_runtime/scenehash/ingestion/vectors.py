"""Missing representations of stored tiles."""

from collections.abc import Iterator
from pathlib import Path

from scenehash.errors import ConfigurationError
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT, Progress
from scenehash.store import CodeStore, SceneRecord, SceneVectors

from .options import CORES
from .report import Made
from .rereading import Rereading, reread

# Scenes and tiles per group.
GROUP, TILES_A_GROUP = 1000, 1 << 16


def make_vectors(
    store: CodeStore,
    model: str | Path | HashModel | None = None,
    threads: int = CORES,
    progress: Progress = SILENT,
) -> Made:
    """Keep representations in a store, and make the missing or damaged ones, durably.

    The pixels are those that were hashed: a scene's file must exist, with the same content. A
    second call continues an interrupted one. model: None means the model that the store keeps, or
    else the shipped model. Raises ModelError, LineageError when another model made the store, and
    ConfigurationError when the model gives no representations.
    """
    given = model or store.model_file()
    loaded = given if isinstance(given, HashModel) else HashModel.load(given)
    space = loaded.representation
    store.check(loaded.lineage, loaded.width_for(store.bits))
    if space is None:
        raise ConfigurationError(f"model {loaded.name} gives no representations")
    store.keep_vectors(space.frame, space.dims)
    done = Made()
    how = Rereading(loaded, store.bits, vectors=True, threads=threads)
    with progress.task("vectors", 0) as task:
        for group in _lacking(store):
            task.plan(sum(record.tiles for record in group))
            for some in reread(group, how, task):
                found = [
                    (record, SceneVectors(space.frame, hashed.vectors))
                    for record, hashed, _, _ in some
                    if hashed is not None and hashed.vectors is not None
                ]
                records = [record for record, _ in found]
                if store.vectors.put_scenes(records, [vectors for _, vectors in found]):
                    done.made += sum(record.tiles for record in records)
                done.gone |= {record.path: reason for record, _, _, reason in some if reason}
    return done


def _lacking(store: CodeStore) -> Iterator[list[SceneRecord]]:
    """The scenes in which a tile has no sound vector, in groups."""
    group: list[SceneRecord] = []
    for record, own in store.vectors_by_scene():
        if own is None:
            group.append(record)
        if len(group) >= GROUP or sum(one.tiles for one in group) >= TILES_A_GROUP:
            yield group
            group = []
    if group:
        yield group

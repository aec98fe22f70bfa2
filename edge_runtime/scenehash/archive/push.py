"""Pushing an archive's parts to an engine, without a store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

from scenehash.engines import PushReport
from scenehash.engines.patience import PATIENCE
from scenehash.engines.pushing import push_source
from scenehash.engines.source import Facts, SceneRead
from scenehash.errors import ArchiveError, ScenehashError
from scenehash.progress import SILENT, Progress
from scenehash.store.catalog.station import check_station_name
from scenehash.store.records import SceneMark, record_of

from .load import read_manifest, scene_of
from .manifest import Entry, Manifest
from .storage import Storage


def push_archive(
    archive: str | Path,
    to: str,
    station: str,
    *,
    patience: float = PATIENCE,
    progress: Progress = SILENT,
) -> PushReport:
    """Push the tiles of an archive to an engine, without a store.

    archive: its folder, or its address in a bucket. to: a collection; see push. station: the name
    of the station of these tiles. patience: seconds to wait for an engine that does not answer.

    Afterwards the engine has exactly this archive's tiles for the station, in the rows that
    load_archive gives in a new store. A second call continues an interrupted one. Raises
    ArchiveError when there is no archive, EngineError when the station's tiles come from another
    archive or a store, and the errors of push.
    """
    manifest, storage = read_manifest(archive)
    source = ArchiveSource(manifest, storage, check_station_name(station))
    done = push_source(source, to, patience, progress)
    missing = tuple(
        f"{entry.scene}: {entry.reason or 'not hashed yet'}"
        for entry in manifest
        if entry.state != "done"
    )
    return replace(done, set_aside=(*missing, *done.set_aside))


@dataclass(frozen=True)
class _Scene:
    """Entries of one content, the first of which has the tiles; and the labels of all."""

    first_row: int
    entries: tuple[Entry, ...]

    @property
    def mark(self) -> SceneMark:
        words = [(entry.scene, entry.content, entry.parts) for entry in self.entries]
        seal = blake2b(repr(words).encode(), digest_size=8).hexdigest()
        return SceneMark(self.first_row, self.entries[0].tiles, seal)


class ArchiveSource:
    """The finished scenes of an archive; see engines.source.Source."""

    def __init__(self, manifest: Manifest, storage: Storage, station: str) -> None:
        self._manifest, self._storage = manifest, storage
        recipe = manifest.recipe
        self.text, self.station = str(storage), station
        self.id = f"archive {storage}"
        self.rename = "--station NAME"
        self.lineage, self.bits, self.model = recipe["lineage"], recipe["bits"], recipe["model"]
        by_content: dict[str, list[Entry]] = {}
        for entry in manifest:
            if entry.state == "done":
                by_content.setdefault(entry.content, []).append(entry)
        self._scenes: dict[int, _Scene] = {}
        self.rows = 0
        for entries in by_content.values():
            self._scenes[self.rows] = _Scene(self.rows, tuple(entries))
            self.rows += entries[0].tiles
        self._read = Facts()

    def marks(self) -> Iterator[SceneMark]:
        """See Source."""
        return (scene.mark for scene in self._scenes.values())

    def read(self, first_rows: Sequence[int]) -> Iterator[SceneRead | ScenehashError]:
        """See Source."""
        for row in first_rows:
            try:
                found = self._read_scene(self._scenes[row])
            except ArchiveError as error:
                yield error
            else:
                self._read = self._read.joined(Facts.of(found.record))
                yield found

    def facts(self, known: Facts) -> Facts:
        """See Source: it does not read a known part again."""
        return known.joined(self._read)

    def _read_scene(self, scene: _Scene) -> SceneRead:
        first, *others = scene.entries
        found = scene_of(first, self._manifest, self._storage)
        if len(found.windows) != first.tiles:
            raise ArchiveError(f"{first.scene}: the tiles in its parts differ from the manifest")
        labels = {*found.labels}
        for other in others:
            labels.update(scene_of(other, self._manifest, self._storage).labels)
        found = replace(found, labels=tuple(sorted(labels)))
        record = record_of(found, scene.first_row, self.bits)
        return SceneRead(record, found.codes, scene.mark.seal)

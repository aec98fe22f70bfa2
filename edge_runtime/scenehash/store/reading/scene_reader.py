"""The scenes of an open store."""

import contextlib
from collections.abc import Iterator, Sequence

from scenehash.codes import Codes
from scenehash.errors import StoreDamagedError
from scenehash.geo import Box

from ..catalog.entry import read_record
from ..catalog.tile_table import Owned
from ..records import SceneFile, SceneMark, SceneRecord, SceneVectors
from ..rows import Ranges
from ..search.filters import Filter
from ..search.selection import scenes_where
from ..search.snapshot import Snapshot
from .listing import ScenePage, TimeHistogram, list_scenes, scene_file, time_histogram
from .view import StoreView, remedy

# Scenes per read of entries.
SCENES_READ = 5000
# Scenes per check, between which other threads may run.
CHECKED_TOGETHER = 20


class SceneReader(StoreView):
    """The scenes of an open store."""

    def has_sound_scene(self, content: str) -> bool:
        """Whether an undamaged scene with this content id is stored."""
        with self._pinned():
            scene = self._catalog.scenes.find([content]).get(content)
            return scene is not None and self._snapshot.is_sound(scene)

    def has_scene(self, content: str) -> bool:
        """Whether a scene with this content id is stored, sound or not."""
        return content in self._catalog.scenes.find([content])

    def find_scene(self, content: str) -> SceneRecord | None:
        """The record of the scene with this content id; None if there is none.

        StoreDamagedError when it is damaged.
        """
        with self._catalog.database.snapshot(), remedy():
            scene = self._catalog.scenes.find([content]).get(content)
            return None if scene is None else read_record(self._catalog, scene)

    def contents(self) -> list[str]:
        """The content ids of all scenes, by their first rows."""
        return self._catalog.scenes.contents()

    def scene_marks(self) -> Iterator[SceneMark]:
        """The first row, the number of tiles and the checksum of every scene, by first row."""
        numbers = self._catalog.scenes.numbers()
        for start in range(0, len(numbers), SCENES_READ):
            yield from self._catalog.scenes.marks(numbers[start : start + SCENES_READ])

    def scenes_from(
        self, first_rows: Sequence[int]
    ) -> Iterator[tuple[SceneRecord, Codes] | StoreDamagedError]:
        """Yields each scene that begins in one of the rows, in their order, with its codes uint8
        [T, K/8]; for a damaged scene, yields the StoreDamagedError instead of raising it.

        Leaves out scenes that no longer exist.
        """
        with self._pinned():
            snapshot, owned = self._snapshot, self._catalog.tiles.owners(first_rows)
        scenes = {own.row: own.scene for own in owned}
        yield from self._read_each(snapshot, [scenes[row] for row in first_rows if row in scenes])

    def box_around(self, scene: SceneMark) -> Box | None:
        """The bounding box of a scene's tiles, to seven digits; None if it is not georeferenced."""
        return self._catalog.tiles.box_around(scene.first_row, scene.tiles)

    def times(self) -> tuple[float, float] | None:
        """The first and the last acquisition time, in seconds since 1970; None if there is none."""
        return self._catalog.scenes.times()

    def has_footprints(self) -> bool:
        """Whether any tile has a footprint."""
        return self._catalog.tiles.has_footprints()

    def read_scene(self, content: str) -> tuple[SceneRecord, Codes] | None:
        """The scene with this content id, and its codes uint8 [T, K/8]; None if there is none.

        StoreDamagedError when it is damaged.
        """
        with self._pinned(), remedy():
            scene = self._catalog.scenes.find([content]).get(content)
            return None if scene is None else self._snapshot.read_scene(scene)

    def scene_of(self, row: int) -> SceneRecord | None:
        """The record of the scene of a row; None for a row without a tile.

        StoreDamagedError when it is damaged.
        """
        with self._catalog.database.snapshot(), remedy():
            owned = self._catalog.tiles.owners([row])
            return read_record(self._catalog, owned[0].scene) if owned else None

    def scenes_of(self, rows: Sequence[int]) -> Iterator[tuple[SceneRecord, list[int]]]:
        """The scenes of rows, one by one, each with the given rows of its tiles.

        Leaves out rows without a tile. StoreDamagedError on a damaged scene.
        """
        by_scene: dict[int, list[int]] = {}
        for owned in self._catalog.tiles.owners(rows):
            by_scene.setdefault(owned.scene, []).append(owned.row)
        for own in by_scene.values():
            record = self.scene_of(own[0])
            if record is not None:  # not deleted meanwhile
                yield record, own

    def scene_file(self, content: str) -> SceneFile | None:
        """The file of the scene with this content id; None if there is none.

        StoreDamagedError when it is damaged.
        """
        with self._pinned(), remedy():
            return scene_file(self._catalog, self._snapshot, content)

    def paths(self, where: Filter) -> list[str]:
        """The paths of the scenes with a tile that meets a filter.

        StoreDamagedError on a scene whose entry is damaged.
        """
        return [record.path for _, record in self._records_where(where)]

    def damaged_paths(self) -> list[str]:
        """The paths of damaged scenes, as far as they are readable."""
        with self._pinned():
            return [self._catalog.scenes.path_of(scene) for scene in self._damaged_scenes()]

    def scene_rows(self) -> list[tuple[int, int, bytes]]:
        """First row, number of tiles and content id of every scene, by first row."""
        return self._catalog.scenes.rows()

    def deleted_rows(self) -> Ranges:
        """All rows whose tiles were deleted."""
        return Ranges.of(self._catalog.deleted()[:, :2])

    def scenes_in(self, rows: Ranges) -> Iterator[tuple[SceneRecord, Codes] | StoreDamagedError]:
        """The scenes with a tile in ranges of rows, by first row; each as scenes_from."""
        with self._pinned():
            snapshot, numbers = self._snapshot, self._catalog.tiles.scenes_in(rows)
        return self._read_each(snapshot, numbers)

    def records_under(self, path: str) -> list[SceneRecord]:
        """The records of the scenes at a path or below it, by path.

        StoreDamagedError on a damaged scene.
        """
        with self._catalog.database.snapshot(), remedy():
            scenes = self._catalog.scenes.under(path)
            return [read_record(self._catalog, scene) for scene in scenes]

    def list_scenes(
        self,
        where: Filter | None = None,
        most: int = 100,
        after: int | None = None,
        newest: bool = True,
    ) -> ScenePage:
        """A page of scenes with a tile that meets a filter, at most this many; the newest first, or
        the oldest.

        The newest scene is the one that was stored last. after: `next` of the last page. With a
        filter on places, a page may have fewer scenes without being the last. Raises StoreError as
        resolve, StoreDamagedError on a damaged scene.
        """
        wanted = self.resolve(where) if where else Filter()
        with self._pinned(), remedy():
            return list_scenes(self._catalog, self._snapshot, wanted, most, after, newest)

    def label_counts(self) -> list[tuple[str, int]]:
        """All labels, by name, and the number of scenes with each."""
        return self._catalog.scenes.label_counts()

    def time_histogram(self, bins: int = 60, where: Filter | None = None) -> TimeHistogram:
        """The numbers of scenes by acquisition time, in equal spans from the first to the last
        time.

        where: only scenes that meet its conditions, except conditions on places.
        """
        wanted = self.resolve(where) if where else Filter()
        with self._catalog.database.snapshot():
            return time_histogram(self._catalog, bins, wanted)

    def tiles_a_day(self) -> float | None:
        """The number of acquired tiles per day; None if the scenes' times do not give it."""
        return self._catalog.scenes.tiles_a_day()

    def scenes(self) -> Iterator[tuple[SceneRecord, Codes]]:
        """Every stored scene, by its first row: its record, and its codes uint8 [T, K/8].

        Leaves out scenes that are deleted meanwhile. Raises StoreDamagedError, with the scene's
        name, on a damaged scene.
        """
        for found in self._each_scene():
            if isinstance(found, StoreDamagedError):
                raise found
            yield found

    def thumbnails_by_scene(self) -> Iterator[tuple[SceneRecord, list[bytes | None]]]:
        """Every sound scene, by its first row, with a thumbnail of each tile that has one."""
        for found in self._each_scene():
            if not isinstance(found, StoreDamagedError):
                yield found[0], self.thumbnails.of_scene(found[0])

    def vectors_by_scene(self) -> Iterator[tuple[SceneRecord, SceneVectors | None]]:
        """Every sound scene, by its first row, with the vectors of all its tiles, or None."""
        for found in self._each_scene():
            if not isinstance(found, StoreDamagedError):
                yield found[0], self.vectors.read_scene(found[0])

    def check_newest(self) -> Iterator[int]:
        """Compare scenes with their checksums, the newest first, in steps, so that later searches
        in this process need not check them.

        Each step gives the number of compared tiles. Readers of a damaged scene report its damage.
        """
        numbers = self._catalog.scenes.numbers()[::-1]
        for start in range(0, len(numbers), CHECKED_TOGETHER):
            tiles = 0
            with contextlib.suppress(StoreDamagedError):
                some = numbers[start : start + CHECKED_TOGETHER]
                for entry in self._catalog.scenes.entries(some):
                    tiles += entry.tiles
                    owned = Owned(entry.first_row, entry.number, entry.checksum)
                    with contextlib.suppress(StoreDamagedError):
                        self._snapshot.check([owned])
            yield tiles

    def _damaged_scenes(self) -> list[int]:
        scenes = self._catalog.scenes.numbers()
        return [scene for scene in scenes if not self._snapshot.is_sound(scene)]

    def _records_where(self, where: Filter) -> list[tuple[int, SceneRecord]]:
        """Number and record of each scene with a tile that meets a filter."""
        with self._catalog.database.snapshot(), remedy():
            scenes = scenes_where(self._catalog, where)
            return [(scene, read_record(self._catalog, scene)) for scene in scenes]

    def _each_scene(self) -> Iterator[tuple[SceneRecord, Codes] | StoreDamagedError]:
        """Every stored scene, by its first row; each as scenes_from."""
        with self._pinned():
            snapshot, numbers = self._snapshot, self._catalog.scenes.numbers()
        yield from self._read_each(snapshot, numbers)

    def _read_each(
        self, snapshot: Snapshot, numbers: Sequence[int]
    ) -> Iterator[tuple[SceneRecord, Codes] | StoreDamagedError]:
        for number in numbers:
            try:
                yield snapshot.read_scene(number)
            except StoreDamagedError as damage:
                if self._catalog.scenes.has(number):
                    yield damage

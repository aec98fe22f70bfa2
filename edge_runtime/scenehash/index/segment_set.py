"""The segments of an index: finding, using and building them."""

import itertools
import threading
from pathlib import Path

from scenehash.codes import Codes

from . import segment_file
from .build import build_segment
from .costs import Planner
from .partition import NO_INDEX, UNREAD, Partition
from .segment import Segment
from .segment_file import SegmentFile
from .words import as_words

Span = tuple[int, int]
Source = SegmentFile | Segment


class SegmentSet:
    """Segments over codes uint8 [N, B], in a folder or only in memory.

    It lists files at its first use, and ignores missing, damaged or wrong ones: `partitions` cover
    all rows, with a segment or without. Searches continue while one thread builds; lists are
    replaced, never changed.
    """

    def __init__(
        self, codes: Codes, folder: Path | None, key: str, origin: str, planner: Planner
    ) -> None:
        self._codes, self._words = codes, as_words(codes)
        self._folder = folder
        self._key, self._origin = key, origin
        self._planner = planner
        self._bits = codes.shape[1] * 8
        self._sources: list[Source] | None = None
        # The partitions, and the sources they were made of, once there is nothing left to check.
        self._settled: tuple[list[Source], list[Partition]] | None = None
        self._one_builder = threading.Lock()

    def partitions(self, queries: int, planner: Planner) -> list[Partition]:
        """All rows, ascending, for a search with this many queries at a planner's costs."""
        sources = self._known()
        if self._settled is not None and self._settled[0] is sources:
            return self._settled[1]
        partitions: list[Partition] = []
        row, waiting, lacking = 0, False, NO_INDEX
        for source in self._cover():
            segment = self._usable(source, queries, planner)
            if segment is None:
                waiting, lacking = True, UNREAD
                continue
            if source.first > row:
                partitions.append(self._partition(row, source.first, None, lacking))
            partitions.append(self._partition(source.first, source.last, segment))
            row, lacking = source.last, NO_INDEX
        if row < len(self._codes):
            partitions.append(self._partition(row, len(self._codes), None, lacking))
        if not waiting:
            self._settled = (sources, partitions)
        return partitions

    def _partition(
        self, first: int, last: int, segment: Segment | None, lacking: str = NO_INDEX
    ) -> Partition:
        return Partition(first, last, segment, self._words[first:last], lacking)

    def check(self) -> None:
        """Read all files now, and compare their checksums, before searches must.

        Skips a file that reaches beyond the codes, since it cannot be compared here.
        """
        self._sources = [
            source
            for source in self._known()
            if source.last > len(self._codes) or self._segment(source)
        ]

    def pending(self) -> int:
        """The number of rows that `build` would add."""
        return sum(last - first for first, last in self._gaps())

    def covered(self) -> int:
        """The number of rows with derived data."""
        return sum(source.last - source.first for source in self._cover())

    def nbytes(self) -> int:
        return sum(_size(source) for source in self._cover())

    def build(self) -> None:
        """Cover almost all rows by segments. Raises OSError when one cannot be written."""
        with self._one_builder:
            before = segment_file.names(self._folder) if self._folder else []
            self.check()
            for first, last in _merged(self._gaps(), self._cover(), self._planner):
                for begin, end in _split(first, last, self._planner.max_segment):
                    self._add(self._built(begin, end))
            self._sources = self._cover()
            if self._folder is not None:
                kept = [source.path for source in self._cover() if isinstance(source, SegmentFile)]
                segment_file.remove_others(self._folder, before, kept)

    def _built(self, first: int, last: int) -> Segment:
        return build_segment(self._codes, first, last, self._planner.bytes_per_row)

    def _add(self, segment: Segment) -> None:
        source: Source | None = segment
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            source = segment_file.write(self._folder, segment, self._codes, self._key, self._origin)
        if source is not None:
            self._sources = [*self._known(), source]

    def _known(self) -> list[Source]:
        if self._sources is None:
            files: list[Source] = []
            if self._folder is not None:
                files += segment_file.list_files(self._folder, self._key, self._bits)
            self._sources = files
            return files
        return self._sources

    def _cover(self) -> list[Source]:
        """Sources of which none overlap, ascending, the longest first where they do.

        One that reaches beyond the codes is about rows that were added since, and left alone.
        """
        cover: list[Source] = []
        row = 0
        for source in sorted(self._known(), key=lambda source: (source.first, -source.last)):
            if row <= source.first < source.last <= len(self._codes):
                cover.append(source)
                row = source.last
        return cover

    def _gaps(self) -> list[Span]:
        """The ranges of rows that no source covers and that are worth one."""
        ends = [0, *(source.last for source in self._cover())]
        begins = [*(source.first for source in self._cover()), len(self._codes)]
        return [
            (first, last)
            for first, last in zip(ends, begins, strict=True)
            if last - first >= self._planner.min_segment
        ]

    def _usable(self, source: Source, queries: int, planner: Planner) -> Segment | None:
        if isinstance(source, Segment):
            return source
        scan = queries * planner.scan(source.last - source.first, -(-self._bits // 64))
        codes = (source.last - source.first) * self._codes.shape[1]
        if not source.is_due(scan, planner.check(source.size + codes)):
            return None
        segment = self._segment(source)
        if segment is None:
            self._sources = [other for other in self._known() if other is not source]
        return segment

    def _segment(self, source: Source) -> Segment | None:
        if isinstance(source, Segment):
            return source
        return source.segment(self._codes, self._origin)


def _size(source: Source) -> int:
    return source.nbytes if isinstance(source, Segment) else source.size


def _merged(gaps: list[Span], cover: list[Source], planner: Planner) -> list[Span]:
    """What to build for some gaps: the last one together with small segments before it.

    A segment is built anew only with at least half its rows again, so a row is handled a number of
    times that grows with the logarithm of the rows, and so does the number of segments.
    """
    if not gaps or (cover and cover[-1].last > gaps[-1][0]):
        return gaps
    first, last = gaps[-1]
    for source in reversed(cover):
        rows = source.last - source.first
        if source.last != first or rows > 2 * (last - first):
            break
        if last - source.first > planner.max_segment:
            break
        first = source.first
    return [*gaps[:-1], (first, last)]


def _split(first: int, last: int, most: int) -> list[Span]:
    """A range in pieces of at most so many rows, all about as long."""
    pieces = -(-(last - first) // most)
    cuts = [first + (last - first) * piece // pieces for piece in range(pieces + 1)]
    return list(itertools.pairwise(cuts))

"""The exact nearest tiles from an engine that orders ties arbitrarily.

Milvus gives the k nearest tiles by distance alone; of several tiles at the k-th distance, it gives
any. So somewhat more than k are requested. If all of the additional ones have the k-th distance,
all tiles at exactly that distance are requested, and the first of them by station and row are used.
An engine limits the tiles per answer: if an answer is full, its range of numbers is halved, and
each half is requested.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes

from .tiles import Numbers, Span, station_and_row, stations_of

# Additional tiles per request: usually the last is farther away, and one request is enough.
MORE = 500


class Answer(NamedTuple):
    """Tiles within a distance of a code: distances int32 [N] and numbers int64 [N]."""

    distances: npt.NDArray[np.int32]
    numbers: Numbers


class Asked(NamedTuple):
    """A request for each of codes uint8 [Q, K/8]: at most `limit` tiles.

    nearest, farthest: the range of distances. span: the range of numbers; None: all searched
    numbers.
    """

    codes: Codes
    limit: int
    nearest: int
    farthest: int
    span: Span | None


Ask = Callable[[Asked], Sequence[Answer]]


@dataclass(frozen=True)
class ExactSearch:
    """A search of an engine that gives at most `most` tiles per answer.

    spans: the searched stations' numbers, in the order of ties. more: the number of additional
    tiles to request.
    """

    ask: Ask
    most: int
    spans: tuple[Span, ...]
    more: int = MORE

    def nearest(self, codes: Codes, k: int, farthest: int) -> Answer:
        """The k tiles nearest to any of the codes, within a distance, in the order of ties."""
        if k >= self.most:
            return self._many(codes, k, farthest)
        limit = min(k + self.more, self.most)
        answers = self.ask(Asked(codes, limit, 0, farthest, None))
        merged = self._merged(answers)
        cut = [number for number, own in enumerate(answers) if len(own.numbers) == limit]
        if not cut:
            return _first(merged, k)
        last = int(merged.distances[k - 1])
        tied = [number for number in cut if int(answers[number].distances.max()) == last]
        if not tied:
            return _first(merged, k)
        closer = merged.numbers[merged.distances < last]
        wanted = k - len(closer)
        at_last = [merged.numbers[merged.distances == last]]
        at_last += [self._at(codes[number : number + 1], last, k) for number in tied]
        others = np.setdiff1d(np.concatenate(at_last), closer)
        others = others[self._order(others)][:wanted]
        first = _first(merged, len(closer))
        return Answer(
            np.concatenate([first.distances, np.full(len(others), last, np.int32)]),
            np.concatenate([first.numbers, others]),
        )

    def within(self, codes: Codes, farthest: int) -> int | None:
        """The number of tiles within a distance of any code; None: more than an answer has."""
        answers = self.ask(Asked(codes, self.most, 0, farthest, None))
        if any(len(own.numbers) == self.most for own in answers):
            return None
        return len(np.unique(np.concatenate([own.numbers for own in answers])))

    def _many(self, codes: Codes, k: int, farthest: int) -> Answer:
        """As nearest, for more tiles than an answer has."""
        parts = [
            own
            for span in self.spans
            for at in range(len(codes))
            for own in self._all(Asked(codes[at : at + 1], self.most, 0, farthest, span))
        ]
        return _first(self._merged(parts), k)

    def _at(self, code: Codes, distance: int, wanted: int) -> Numbers:
        """The first tiles, this many, at exactly a distance."""
        (own,) = self.ask(Asked(code, self.most, distance, distance, None))
        if len(own.numbers) < self.most:
            return own.numbers
        found: list[Numbers] = []
        for span in self.spans:
            for own in self._all(Asked(code, self.most, distance, distance, span)):
                found.append(own.numbers)
                if sum(map(len, found)) >= wanted:
                    return np.concatenate(found)
        return np.concatenate([np.zeros(0, np.int64), *found])

    def _all(self, asked: Asked) -> Iterator[Answer]:
        """All tiles of a span, in parts: later parts have later rows."""
        (own,) = self.ask(asked)
        low, high = asked.span or Span(0, 0)
        if len(own.numbers) < self.most or high - low < 2:
            yield own
            return
        middle = (low + high) // 2
        for half in (Span(low, middle), Span(middle, high)):
            yield from self._all(asked._replace(span=half))

    def _merged(self, answers: Sequence[Answer]) -> Answer:
        """Each tile once, with its least distance, in order."""
        distances = np.concatenate([np.zeros(0, np.int32), *(own.distances for own in answers)])
        numbers = np.concatenate([np.zeros(0, np.int64), *(own.numbers for own in answers)])
        order = np.lexsort((*self._keys(numbers), distances))
        distances, numbers = distances[order], numbers[order]
        first = np.sort(np.unique(numbers, return_index=True)[1])
        return Answer(distances[first], numbers[first])

    def _order(self, numbers: Numbers) -> npt.NDArray[np.int64]:
        return np.lexsort(self._keys(numbers))

    def _keys(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """What numbers are sorted by, the last key first, as lexsort has it."""
        stations = [station_and_row(span.low)[0] for span in self.spans]
        ranks = {station: rank for rank, station in reversed(list(enumerate(stations)))}
        own = stations_of(numbers)
        unique, at = np.unique(own, return_inverse=True)
        by = np.array([ranks.get(station, len(ranks)) for station in unique.tolist()], np.int64)
        return numbers, by[at] if len(unique) else own


def _first(found: Answer, k: int) -> Answer:
    return Answer(found.distances[:k], found.numbers[:k])

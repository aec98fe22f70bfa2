"""Sets of whole numbers, of rows, events or bundles, as ranges."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

Span = tuple[int, int]
MOST = 1 << 64


class Spans:
    """A set of numbers from 0 on, stored as disjoint ranges (start, end), ascending."""

    def __init__(self, spans: Iterable[Sequence[int]] = ()) -> None:
        self._spans = _merged((start, end) for start, end in spans)

    def __repr__(self) -> str:
        return f"Spans({self._spans})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spans) and other._spans == self._spans

    def __hash__(self) -> int:
        return hash(tuple(self._spans))

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans)

    def __bool__(self) -> bool:
        return bool(self._spans)

    def __contains__(self, number: int) -> bool:
        return self.covers(number, number + 1)

    def __or__(self, other: "Spans") -> "Spans":
        return Spans([*self._spans, *other._spans])

    def __and__(self, other: "Spans") -> "Spans":
        found, left, right = [], iter(self._spans), iter(other._spans)
        one, two = next(left, None), next(right, None)
        while one and two:
            start, end = max(one[0], two[0]), min(one[1], two[1])
            if start < end:
                found.append((start, end))
            if one[1] < two[1]:
                one = next(left, None)
            else:
                two = next(right, None)
        return Spans(found)

    def __sub__(self, other: "Spans") -> "Spans":
        if not self._spans:
            return self
        edges = [0, *(edge for span in other._spans for edge in span), self._spans[-1][1]]
        outside = Spans((start, end) for start, end in list(pairwise(edges))[::2] if start < end)
        return self & outside

    def covers(self, start: int, end: int) -> bool:
        """Whether it has all numbers from start to before end."""
        at = bisect_right(self._spans, (start, MOST)) - 1
        return at >= 0 and self._spans[at][0] <= start and end <= self._spans[at][1]

    def total(self) -> int:
        """The number of its elements."""
        return sum(end - start for start, end in self._spans)

    def first(self, most: int) -> "Spans":
        """The first numbers, this many."""
        found: list[Span] = []
        for start, end in self._spans:
            if most <= 0:
                break
            found.append((start, min(end, start + most)))
            most -= end - start
        return Spans(found)

    def pairs(self) -> list[Span]:
        """The ranges."""
        return list(self._spans)

    def end(self) -> int:
        """One more than the last number; 0 if it is empty."""
        return self._spans[-1][1] if self._spans else 0


def span(start: int, end: int) -> Spans:
    """The numbers from start to before end."""
    return Spans([(start, end)] if start < end else [])


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged

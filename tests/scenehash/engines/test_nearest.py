"""Exact hits of an engine that cuts ties where it likes, against a plain loop."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scenehash.codes import nearest_hamming
from scenehash.engines.nearest import Answer, Asked, ExactSearch
from scenehash.engines.tiles import ROWS, Span


class Careless:
    """An engine that gives any of the tiles at the last distance, and at most so many."""

    def __init__(self, numbers, codes, most: int, seed: int) -> None:
        self.numbers, self.codes, self.most = numbers, codes, most
        self.rng, self.requests = np.random.default_rng(seed), 0

    def ask(self, asked: Asked) -> Sequence[Answer]:
        assert asked.limit <= self.most
        self.requests += 1
        return [self.answer(code, asked) for code in asked.codes]

    def answer(self, code, asked: Asked) -> Answer:
        distances = nearest_hamming(self.codes, code[None])
        there = (distances >= asked.nearest) & (distances <= asked.farthest)
        if asked.span is not None:
            there &= (self.numbers >= asked.span.low) & (self.numbers < asked.span.high)
        shuffled = self.rng.permutation(np.flatnonzero(there))
        chosen = shuffled[np.argsort(distances[shuffled], kind="stable")][: asked.limit]
        return Answer(distances[chosen], self.numbers[chosen])


@st.composite
def engines(draw):
    """Tiles of stations that are in no order of their numbers, with few codes: many ties."""
    stations = draw(st.lists(st.integers(0, 50), min_size=1, max_size=3, unique=True))
    rows = draw(st.lists(st.integers(0, 12), min_size=len(stations), max_size=len(stations)))
    numbers = np.array(
        [own * ROWS + row for own, many in zip(stations, rows, strict=True) for row in range(many)],
        np.int64,
    )
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    codes = rng.integers(0, draw(st.sampled_from([1, 2, 4, 256])), (len(numbers), 2))
    engine = Careless(numbers, codes.astype(np.uint8), draw(st.integers(2, 20)), len(numbers))
    spans = tuple(Span(own * ROWS, own * ROWS + 16) for own in stations)
    return engine, spans, rng.integers(0, 4, (draw(st.integers(1, 3)), 2)).astype(np.uint8)


def plain(engine: Careless, spans, codes, k: int, farthest: int) -> list[tuple[int, int]]:
    ranks = {span.low // ROWS: rank for rank, span in enumerate(spans)}
    distances = nearest_hamming(engine.codes, codes).tolist()
    every = [
        (distance, ranks[number // ROWS], number)
        for distance, number in zip(distances, engine.numbers.tolist(), strict=True)
        if distance <= farthest
    ]
    return [(distance, number) for distance, _, number in sorted(every)][:k]


@given(engines(), st.integers(1, 45), st.integers(0, 16), st.integers(1, 9))
@settings(max_examples=300, deadline=None)
def test_hits_are_those_of_a_plain_loop_whatever_the_engine_cuts(made, k, farthest, more):
    engine, spans, codes = made
    found = ExactSearch(engine.ask, engine.most, spans, more).nearest(codes, k, farthest)
    pairs = list(zip(found.distances.tolist(), found.numbers.tolist(), strict=True))
    assert pairs == plain(engine, spans, codes, k, farthest)


@given(engines(), st.integers(0, 16))
@settings(max_examples=100, deadline=None)
def test_a_count_is_right_or_is_none(made, farthest):
    engine, spans, codes = made
    counted = ExactSearch(engine.ask, engine.most, spans).within(codes, farthest)
    if counted is None:
        assert len(engine.numbers) >= engine.most
    else:
        assert counted == len(plain(engine, spans, codes, 1000, farthest))


def test_without_ties_at_the_last_place_one_request_is_enough():
    numbers = np.arange(5, dtype=np.int64)
    engine = Careless(numbers, np.array([[0], [1], [3], [7], [15]], np.uint8), 100, 1)
    search = ExactSearch(engine.ask, 100, (Span(0, 16),))
    assert search.nearest(np.zeros((1, 1), np.uint8), 3, 8).numbers.tolist() == [0, 1, 2]
    assert engine.requests == 1

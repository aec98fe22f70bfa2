"""Search by several examples, by what hits must not be like, and with a second look."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenehash import CodeStore
from scenehash.codes import hamming, unpack
from scenehash.errors import ConfigurationError
from scenehash.retrieval.query import Query
from scenehash.retrieval.search import search_by_examples, second_look
from scenehash.scenes import Window
from scenehash.store import HashedScene

CODES = np.random.default_rng(0).integers(0, 4, (300, 2), np.uint8)


def query(code: np.ndarray, logits: np.ndarray | None = None) -> Query:
    return Query("q", code, logits, Path("/q.png"), Window(0, 0, 1, 1), None, {})


@pytest.fixture
def store(tmp_path: Path) -> CodeStore:
    store = CodeStore.create(tmp_path / "s", "a" * 16, 16, "a-model")
    windows = [Window(tile, 0, 1, 1) for tile in range(len(CODES))]
    store.add([HashedScene("0" * 32, "/a.png", windows, CODES)])
    return store


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    like=st.lists(st.integers(0, 299), min_size=1, max_size=4),
    unlike=st.lists(st.integers(0, 299), max_size=3),
    k=st.integers(1, 320),
    radius=st.none() | st.integers(0, 5),
)
def test_examples_find_what_a_plain_loop_finds(
    store: CodeStore, like: list[int], unlike: list[int], k: int, radius: int | None
) -> None:
    near = np.min([hamming(CODES, CODES[row]) for row in like], axis=0)
    far = np.min([hamming(CODES, CODES[row]) for row in unlike] or [np.full(300, 99)], axis=0)
    expected = sorted(
        (int(near[row]), row)
        for row in range(300)
        if near[row] < far[row] and (radius is None or near[row] <= radius)
    )[:k]
    found = search_by_examples(
        store,
        [query(CODES[row]) for row in like],
        k,
        radius,
        unlike=[query(CODES[row]) for row in unlike],
    )
    assert [(hit.distance, hit.row) for hit in found.hits] == expected
    assert [hit.rank for hit in found.hits] == list(range(1, len(expected) + 1))


def test_a_second_look_weighs_bits_by_their_logits(store: CodeStore) -> None:
    logits = np.random.default_rng(1).normal(size=16).astype(np.float32)
    code = np.packbits(logits > 0)
    hits = search_by_examples(store, [query(code)], 300).hits
    looked = second_look(store, [logits], hits)
    differs = unpack(CODES) != (logits > 0)
    weights = [float(np.abs(logits)[row].sum()) for row in differs]
    assert sorted(hit.row for hit in looked) == list(range(300))
    along = [weights[hit.row] for hit in looked]
    assert along == pytest.approx(sorted(along), abs=1e-5)
    reranked = search_by_examples(store, [query(code, logits)], 5, rerank=True).hits
    assert [hit.row for hit in reranked][:1] == [looked[0].row]
    with pytest.raises(ConfigurationError, match="needs an image"):
        search_by_examples(store, [query(code)], 5, rerank=True)

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenehash import codes as packed
from scenehash.errors import ConfigurationError, LineageError
from scenehash.index import NO_ROW, CodeIndex
from scenehash.index.costs import Planner
from scenehash.index.scan import BLOCK_BYTES

from .planners import NOTHING_IS_DEAR

pytestmark = pytest.mark.usefixtures("loops")

EAGER = dataclasses.replace(NOTHING_IS_DEAR, max_segment=100)
EAGER_AND_WHOLE = dataclasses.replace(EAGER, max_segment=10**6)
PLANNERS = {
    "as shipped": Planner(),
    "multi-index": EAGER,
    "multi-index until it gets dear": dataclasses.replace(EAGER, probe_entry=0.6),
    "distinct": dataclasses.replace(EAGER, probe_step=1e12),
    "subset": dataclasses.replace(EAGER, probe_step=1e12, scan_gathered=0),
}


def brute_force(codes, query, k, radius, rows):
    """Every distance by counting bits in Python, sorted by (distance, row)."""
    found = []
    for row in rows:
        distance = sum(int(a ^ b).bit_count() for a, b in zip(codes[row], query, strict=True))
        if radius is None or distance <= radius:
            found.append((distance, int(row)))
    found = sorted(found)[:k]
    return found + [(8 * len(query) + 1, NO_ROW)] * (k - len(found))


def spread(rng, count, width, distinct, flips):
    """Codes [count, width] around so many centres, each bit flipped with a probability."""
    centres = rng.integers(0, 256, (distinct, width), np.uint8)
    noise = np.packbits(rng.random((count, width * 8)) < flips, axis=1)
    return centres[rng.integers(0, distinct, count)] ^ noise


@st.composite
def archives(draw):
    width = draw(st.integers(2, 32))
    count = draw(st.integers(0, 300))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    distinct, flips = draw(st.integers(1, 400)), draw(st.sampled_from([0, 0.02, 0.1]))
    codes = spread(rng, count + 3, width, distinct, flips)
    queries = np.concatenate([codes[-5:], rng.integers(0, 256, (1, width), np.uint8)])
    dead = np.flatnonzero(rng.random(count + 5) < draw(st.sampled_from([0, 0.1, 0.9])))
    rows = np.flatnonzero(rng.random(count) < draw(st.sampled_from([0.02, 0.4, 1])))
    return codes[:count], queries, dead, rows


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    archives(),
    st.sampled_from(list(PLANNERS)),
    st.integers(0, 40) | st.integers(0, 400),
    st.none() | st.integers(0, 20) | st.integers(0, 256),
    st.booleans(),
    st.sampled_from([1, 3]),
    st.sampled_from([0, 0.5, 1]),
    st.booleans(),
)
def test_every_plan_finds_what_brute_force_finds_ties_included(
    tmp_path_factory, archive, planner, k, radius, of_subset, threads, built, on_disk
) -> None:
    codes, queries, dead, subset = archive
    folder = tmp_path_factory.mktemp("index") if on_disk else None
    CodeIndex(codes[: int(built * len(codes))], folder=folder, planner=PLANNERS[planner]).build()
    index = CodeIndex(codes, dead, folder, planner=PLANNERS[planner])
    if built == 1:
        index.build()
    rows = subset if of_subset else None
    distances, found = index.search(queries, k, radius, rows, threads)
    assert distances.dtype == np.int32
    assert found.dtype == np.int64
    alive = np.setdiff1d(np.arange(len(codes)) if rows is None else rows, dead)
    for number, query in enumerate(queries):
        got = list(zip(distances[number].tolist(), found[number].tolist(), strict=True))
        assert got == brute_force(codes, query, k, radius, alive)


@pytest.mark.slow
@pytest.mark.parametrize("width", [2, 4, 6, 7, 8, 12, 16, 32])
@pytest.mark.parametrize("flips", [0.02, 0.15, 0.5])
def test_buckets_leave_out_nothing_near_or_far(width: int, flips: float) -> None:
    rng = np.random.default_rng(width)
    archive = spread(rng, 20_010, width, 20, flips)
    codes, queries = archive[10:], archive[:10]
    index = CodeIndex(codes, planner=EAGER_AND_WHOLE)
    index.build()
    distances, rows, explanation = index.search_explained(queries, 40)
    assert explanation.plans == {"multi_index": 10}
    for number, query in enumerate(queries):
        every = np.bitwise_count(codes ^ query).sum(axis=1)
        order = np.argsort(every, kind="stable")[:40]
        assert rows[number].tolist() == order.tolist()
        assert distances[number].tolist() == every[order].tolist()


@pytest.mark.parametrize("distinct", [1, 21, 100_000])
def test_blocks_join_without_a_seam(distinct: int) -> None:
    rng = np.random.default_rng(distinct)
    kinds = rng.integers(0, 256, (distinct, 8), np.uint8)
    codes = kinds[rng.integers(0, distinct, 3 * BLOCK_BYTES // 8 + 5)]
    query = codes[-1:]
    every = np.bitwise_count(codes ^ query).sum(axis=1)
    order = np.lexsort((np.arange(len(codes)), every))[:50]
    distances, rows = CodeIndex(codes).search(query, 50)
    assert rows[0].tolist() == order.tolist()
    assert distances[0].tolist() == every[order].tolist()


def test_another_width_is_refused() -> None:
    with pytest.raises(LineageError, match="64 bits"):
        CodeIndex(np.zeros((3, 8), np.uint8)).search(np.zeros((1, 4), np.uint8), 1)


@pytest.mark.parametrize("bits", [0, 8, 20, 264, -16])
def test_a_code_has_16_to_256_bits_in_steps_of_8(bits: int) -> None:
    with pytest.raises(ConfigurationError, match=str(bits)):
        packed.check_bits(bits)


def test_packing_puts_bit_0_first_and_unpacks_again() -> None:
    logits = np.full((1, 16), -1.0, np.float32)
    logits[0, 0] = logits[0, 9] = 0.5
    codes = packed.pack(logits)
    assert codes.tolist() == [[0b1000_0000, 0b0100_0000]]
    assert np.array_equal(packed.unpack(codes), logits > 0)
    assert packed.hamming(codes, np.zeros(2, np.uint8)).tolist() == [2]

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import codes as packed
from edge_runtime.errors import ConfigurationError, LineageError
from edge_runtime.index import BLOCK, NO_ROW, CodeIndex


def brute_force(codes, query, k, radius, rows):
    """Every distance by counting bits in Python, sorted by (distance, row)."""
    candidates = range(len(codes)) if rows is None else rows
    found = []
    for row in candidates:
        distance = sum(int(a ^ b).bit_count() for a, b in zip(codes[row], query, strict=True))
        if radius is None or distance <= radius:
            found.append((distance, int(row)))
    found = sorted(found)[:k]
    return found + [(8 * len(query) + 1, NO_ROW)] * (k - len(found))


@st.composite
def searches(draw):
    width = draw(st.sampled_from([2, 3, 4, 5, 6, 8, 12, 16, 32]))
    count = draw(st.integers(0, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    alphabet = rng.integers(0, 256, (draw(st.integers(1, 80)), width), np.uint8)
    codes = alphabet[rng.integers(0, len(alphabet), count)]
    queries = np.concatenate([alphabet[:2], rng.integers(0, 256, (1, width), np.uint8)])
    chosen = None
    if draw(st.booleans()):
        chosen = np.flatnonzero(rng.random(count) < 0.4)
    radius = draw(st.none() | st.integers(0, 8 * width))
    return codes, queries, draw(st.integers(0, 80)), radius, chosen


@given(searches())
def test_the_result_is_that_of_brute_force_ties_included(search) -> None:
    codes, queries, k, radius, rows = search
    distances, found = CodeIndex(codes).search(queries, k, radius, rows)
    assert distances.dtype == np.int32
    assert found.dtype == np.int64
    for number, query in enumerate(queries):
        got = list(zip(distances[number].tolist(), found[number].tolist(), strict=True))
        assert got == brute_force(codes, query, k, radius, rows)


@pytest.mark.parametrize("distinct", [1, 21, 100_000])
def test_blocks_join_without_a_seam(distinct: int) -> None:
    rng = np.random.default_rng(distinct)
    kinds = rng.integers(0, 256, (distinct, 8), np.uint8)
    codes = kinds[rng.integers(0, distinct, 3 * BLOCK + 5)]
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

"""Numbers, columns, ranges and footprints come back as they were put."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenehash.errors import BundleError
from scenehash.geo import FOOTPRINT_STEP, on_footprint_steps
from scenehash.link.footprint_code import put_footprints, take_footprints
from scenehash.link.spans import Spans
from scenehash.link.wire import Reader, Writer

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(numbers=st.lists(st.integers(0, 2**63 - 1)), column=st.lists(INT64), text=st.text())
def test_what_is_put_is_taken(numbers, column, text):
    out = Writer()
    for number in numbers:
        out.number(number)
    out.column(np.array(column, np.int64))
    out.signeds(np.array(column, np.int64))
    out.text(text.encode(errors="replace").decode())
    found = Reader(out.data())
    assert [found.number() for _ in numbers] == numbers
    assert found.column(len(column)).tolist() == column
    assert found.signeds(len(column)).tolist() == column
    assert found.text() == text.encode(errors="replace").decode()
    found.done()


def test_numbers_are_leb128_and_zigzag():
    out = Writer()
    out.number(300)
    out.signed(-1)
    out.signed(1)
    out.signeds(np.array([-65, 0]))
    out.spans([(3, 5), (10, 11)])
    assert out.data() == bytes([0xAC, 2, 1, 2, 0x81, 1, 0, 2, 3, 2, 5, 1])


@pytest.mark.parametrize(
    ("data", "take"),
    [
        (b"\x80" * 20, lambda found: found.number()),
        (b"\xff" * 20, lambda found: found.signeds(1)),
        (b"\x80\x80", lambda found: found.signeds(1)),
        (b"", lambda found: found.byte()),
        (b"\xff\xff\xff\xff\x0fx", lambda found: found.blob()),
        (b"\xff\xff\xff\xff\x0fx", lambda found: found.count()),
        (b"\x05", lambda found: found.signeds(1 << 40)),
        (b"\x01\x05\x00", lambda found: found.spans(1 << 40)),
        (b"\x01\x05\x06", lambda found: found.spans(10)),
        (b"x", lambda found: found.done()),
    ],
)
def test_what_does_not_fit_is_refused(data, take):
    with pytest.raises(BundleError):
        take(Reader(data))


SETS = st.sets(st.integers(0, 40))


@given(one=SETS, other=SETS, most=st.integers(0, 50))
def test_ranges_are_sets(one, other, most):
    left, right = (Spans((number, number + 1) for number in some) for some in (one, other))

    def numbers(spans):
        return {number for start, end in spans for number in range(start, end)}

    assert numbers(left | right) == one | other
    assert numbers(left & right) == one & other
    assert numbers(left - right) == one - other
    assert numbers(left.first(most)) == set(sorted(one)[:most])
    assert left.total() == len(one) and bool(left) == bool(one)


def taken(windows, footprints):
    out = Writer()
    put_footprints(out, windows, footprints)
    found = Reader(out.data())
    again = take_footprints(found, windows)
    found.done()
    return len(out), again


@settings(max_examples=40, deadline=None)
@given(
    grid=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    corner=st.tuples(st.floats(-180, 180), st.floats(-80, 80)),
    bend=st.floats(-0.01, 0.01),
    noise=st.sampled_from([0.0, 1e-14, 1e-3]),
    shared=st.booleans(),
    rounded=st.booleans(),
)
def test_footprints_come_back_bit_by_bit(grid, corner, bend, noise, shared, rounded):
    across, down = grid
    windows = np.array(
        [(200 * x, 256 * y, 256, 256) for y in range(down) for x in range(across)], np.int64
    )
    columns = windows[:, :1] + 256 * np.array([0, 1, 1, 0])
    rows = windows[:, 1:2] + 256 * np.array([0, 0, 1, 1])
    footprints = np.stack(
        [corner[0] + 1e-4 * columns + bend * 1e-6 * rows**2, corner[1] - 1e-4 * rows], axis=2
    )
    if not shared:
        footprints += noise * np.random.default_rng(0).random(footprints.shape)
    if rounded:
        footprints = on_footprint_steps(footprints)
    size, again = taken(windows, footprints)
    assert again.tobytes() == footprints.tobytes()
    assert size <= 64 * len(windows) + 1


def test_footprints_of_a_large_scene_take_few_bytes():
    windows = np.array(
        [(256 * x, 256 * y, 256, 256) for y in range(40) for x in range(40)], np.int64
    )
    columns = windows[:, :1] + 256 * np.array([0, 1, 1, 0])
    rows = windows[:, 1:2] + 256 * np.array([0, 0, 1, 1])
    footprints = np.stack([8 + 1e-4 * columns + 1e-10 * rows**2, 47 - 9e-5 * rows], axis=2)
    footprints = on_footprint_steps(footprints)
    size, again = taken(windows, footprints)
    assert again.tobytes() == footprints.tobytes()
    assert size < 2.3 * len(windows)


def test_footprints_of_one_tile_take_half_of_eight_doubles():
    footprints = np.array([[[8.1, 47.2], [8.13, 47.21], [8.14, 47.1], [8.11, 47.09]]])
    size, again = taken(np.array([(0, 0, 256, 256)], np.int64), on_footprint_steps(footprints))
    assert np.abs(again - footprints).max() <= FOOTPRINT_STEP / 2
    assert size <= 32


def test_a_scene_without_footprints_and_one_of_minus_zero():
    windows = np.array([(0, 0, 8, 8)], np.int64)
    assert taken(windows, None) == (1, None)
    zeros = np.full((1, 4, 2), -0.0)
    assert taken(windows, zeros)[1].tobytes() == zeros.tobytes()

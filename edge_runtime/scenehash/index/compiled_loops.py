"""The innermost loops as machine code, by numba. Imported only where a process stays: see kernels.

Every function is compiled once for the type of word that codes are seen as, for the processor that
it runs on, and works without holding Python's lock.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, njit, types
from numba.extending import intrinsic

from .multi_index import MAX_WINDOW

# Distances are uint16 and places in memory int64, also where fewer bits would do: so there is one
# form of each loop. mypy does not read the loops: their types are numba's, given at the end.

# So many codes are compared before it is asked whether any of them is near: few enough that a near
# one is found at once, many enough that the processor compares eight and more in one step.
BLOCK = 256
# As many entries of a bucket; it may read so many past the end of the last one.
ENTRIES = 32
# Buckets are fetched into the cache so many ahead of their use, at most so many bytes of each.
_AHEAD, _FETCHED = 8, 1024
_LINE = 64
# Wider codes are compared in a loop over their words.
_UNROLLED = 4
_ONE, _TWO, _THREE, _FOUR = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)


@intrinsic
def _ones(_typing: Any, number: Any) -> Any:
    """How many bits of a number are set."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return number(number), generate


@intrinsic
def _fetch(_typing: Any, array: Any, _position: Any) -> Any:
    """Ask for an element of an array to be brought into the cache."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
        # To be read, kept in all levels, data.
        builder.call(function, [place, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@njit(nogil=True)
def _compare(flat, begin, end, query, unrolled, near):
    """Write the distances of codes begin to end - 1 to near, and return the least.

    unrolled: as in _select.
    """
    width = len(query)
    least = np.uint16(0xFFFF)
    # A slice, and positions in it without sign, are what the compiler makes wide instructions of.
    part = flat[width * begin : width * end]
    if len(unrolled) == 1:
        a = query[0]
        for i in range(len(part)):
            distance = np.uint16(_ones(part[i] ^ a))
            near[i] = distance
            if distance < least:
                least = distance
    elif len(unrolled) == 2:
        a, b = query[0], query[1]
        for i in range(end - begin):
            at = _TWO * np.uint64(i)
            distance = np.uint16(_ones(part[at] ^ a) + _ones(part[at + _ONE] ^ b))
            near[i] = distance
            if distance < least:
                least = distance
    elif len(unrolled) == 3:
        a, b, c = query[0], query[1], query[2]
        for i in range(end - begin):
            at = _THREE * np.uint64(i)
            distance = np.uint16(
                _ones(part[at] ^ a) + _ones(part[at + _ONE] ^ b) + _ones(part[at + _TWO] ^ c)
            )
            near[i] = distance
            if distance < least:
                least = distance
    elif len(unrolled) == 4:
        a, b, c, d = query[0], query[1], query[2], query[3]
        for i in range(end - begin):
            at = _FOUR * np.uint64(i)
            distance = np.uint16(
                _ones(part[at] ^ a)
                + _ones(part[at + _ONE] ^ b)
                + _ones(part[at + _TWO] ^ c)
                + _ones(part[at + _THREE] ^ d)
            )
            near[i] = distance
            if distance < least:
                least = distance
    else:
        for i in range(end - begin):
            at = np.uint64(width) * np.uint64(i)
            distance = np.uint16(0)
            for word in range(width):
                distance += np.uint16(_ones(part[at + np.uint64(word)] ^ query[word]))
            near[i] = distance
            if distance < least:
                least = distance
    return least


def _select(
    flat, begin, end, queries, unrolled, limits, wanted, ordered, tally, within, near, positions,
    found,
):  # fmt: skip
    """Compare codes begin to end - 1 with queries [Q, W]; keep what may be among the nearest.

    flat: words of all codes. unrolled: W numbers, of which only how many there are matters: the
    compiler knows it; none: W is not known to it. limits: int64 [Q], lowered as nearer codes are
    found. wanted: how many codes make the nearest. ordered: of two at one distance the first is the
    nearer. tally: int64 [Q, K + 1], how many are kept at each distance; within: int64 [Q], how many
    within the limit. near, positions [Q, R]: what is kept, found [Q] of it. Returns where it
    stopped: before the end when there is no more room.
    """
    room = near.shape[1]
    distances = np.empty(BLOCK, np.uint16)
    for start in range(begin, end, BLOCK):
        stop = min(start + BLOCK, end)
        for number in range(len(queries)):
            if found[number] + BLOCK <= room:
                continue
            limit, kept = limits[number], 0
            more = wanted - within[number] if ordered else 0
            for i in range(found[number]):
                distance = near[number, i]
                if distance == limit + 1 and more > 0:
                    more -= 1
                elif distance > limit:
                    continue
                near[number, kept], positions[number, kept] = distance, positions[number, i]
                kept += 1
            found[number] = kept
            if kept + BLOCK > room:
                return start
        for number in range(len(queries)):
            limit = limits[number]
            if limit < 0:
                continue
            least = _compare(flat, start, stop, queries[number], unrolled, distances)
            if least > limit:
                continue
            kept, inside = found[number], within[number]
            for i in range(stop - start):
                distance = np.int64(distances[i])
                if distance > limit:
                    continue
                near[number, kept], positions[number, kept] = distance, start + i
                kept += 1
                inside += 1
                tally[number, distance] += 1
                while limit >= 0:
                    less = inside - tally[number, limit]
                    if (inside if ordered else less) < wanted:
                        break
                    inside = less
                    limit -= 1
            found[number], within[number], limits[number] = kept, inside, limit
    return end


@njit(nogil=True)
def _compare_sketches(sketches, start, own, counts):
    """Write the distances of sketches from start on to counts, and return the least.

    How many is not a constant: the compiler would unroll the loop and not make it wide.
    """
    least = np.uint32(0xFFFF)
    for i in range(len(counts)):
        distance = np.uint32(_ones(np.uint32(sketches[start + np.uint64(i)] ^ own)))
        counts[i] = distance
        if distance < least:
            least = distance
    return least


def _look(
    offsets, bits, masks, room, per_table, keys, sketch, sketches, places, place_bytes,
    rows, first, words, query, most_entries, counts, starts, ends, items, at, near,
):  # fmt: skip
    """Read buckets of a multi-index and compare the codes whose sketches are near.

    masks, room [P]: of a Shape. keys, sketch: [M], the query's own. rows: less first, where among
    words an item's code is; empty: at the item's number. counts [ENTRIES], starts, ends [P], at
    [R]: to work with. Returns how many entries there are, and how many items and distances were
    written, one perhaps twice; -1 items: too many entries; the room and one more: too many items.
    """
    bucket, entries = 0, 0
    for table in range(len(per_table)):
        own = offsets[table]
        for _ in range(per_table[table]):
            key = masks[bucket] ^ keys[table]
            starts[bucket], ends[bucket] = own[key], own[key + 1]
            entries += np.int64(ends[bucket]) - np.int64(starts[bucket])
            bucket += 1
    if entries > most_entries:
        return entries, -1
    item_count = (len(sketches) - MAX_WINDOW) // len(per_table)
    count, bucket, buckets = 0, 0, bucket
    for table in range(len(per_table)):
        own_sketch = sketch[table]
        for _ in range(per_table[table]):
            if bucket + _AHEAD < buckets:
                ahead = np.int64(starts[bucket + _AHEAD])
                last = min(np.int64(ends[bucket + _AHEAD]), ahead + _FETCHED // 4)
                for entry in range(ahead, last, _LINE // 4):
                    _fetch(sketches, entry)
            most = np.uint32(room[bucket])
            end = np.int64(ends[bucket])
            for start in range(np.int64(starts[bucket]), end, ENTRIES):
                if _compare_sketches(sketches, np.uint64(start), own_sketch, counts) > most:
                    continue
                if count + ENTRIES > len(items):
                    return entries, len(items) + 1
                for i in range(min(ENTRIES, end - start)):
                    items[count] = start + i
                    count += counts[i] <= most
            bucket += 1
    for i in range(count):
        entry = items[i]
        if entry >= item_count:
            place, offset = np.int64(0), (entry - item_count) * place_bytes
            for byte in range(place_bytes):
                place |= np.int64(places[offset + byte]) << (8 * byte)
            items[i] = np.int64(offsets[0, sketches[entry] >> np.uint32(32 - bits)]) + place
    width = len(query)
    # Loop by loop, so that the processor waits for many places in memory at once.
    if len(rows) > 0:
        for i in range(count):
            at[i] = first + np.int64(rows[items[i]])
    else:
        for i in range(count):
            at[i] = items[i]
    for i in range(count):
        begin = at[i] * width
        apart = np.uint16(0)
        for word in range(width):
            apart += np.uint16(_ones(words[begin + word] ^ query[word]))
        near[i] = apart
    return entries, count


def unrolled(width: int) -> tuple[int, ...]:
    """What _select takes for codes of so many words."""
    return (0,) * (width if width <= _UNROLLED else 0)


def _read(dtype: Any, dimensions: int = 1) -> Any:
    """The type of an array that is not written to, whether or not it might be."""
    return types.Array(dtype, dimensions, "C", readonly=True)


def _written(dtype: Any, dimensions: int = 1) -> Any:
    return types.Array(dtype, dimensions, "C")


@cache
def compiled_select(word: np.dtype[Any], words: int, keep: bool) -> Callable[..., int]:
    """_select for a type of word and so many unrolled. keep: on disk, for the next process.

    Raises RuntimeError when there is no place to keep it.
    """
    integer, word = types.int64, from_dtype(word)
    signature = integer(
        _read(word), integer, integer, _read(word, 2), types.UniTuple(integer, words),
        _written(integer), integer, types.boolean, _written(integer, 2), _written(integer),
        _written(types.uint16, 2), _written(integer, 2), _written(integer),
    )  # fmt: skip
    return njit(signature, nogil=True, cache=keep)(_select)  # type: ignore[no-any-return]


@cache
def compiled_look(word: np.dtype[Any], keep: bool) -> Callable[..., tuple[int, int]]:
    """_look for a type of word; the rest as of `compiled_select`."""
    integer, short, word = types.int64, types.uint32, from_dtype(word)
    signature = types.UniTuple(integer, 2)(
        _read(short, 2), integer, _read(short), _read(types.uint8), _read(integer), _read(short),
        _read(short), _read(short), _read(types.uint8), integer, _read(short), integer,
        _read(word), _read(word), integer, _written(short), _written(short), _written(short),
        _written(integer), _written(integer), _written(types.uint16),
    )  # fmt: skip
    return njit(signature, nogil=True, cache=keep)(_look)  # type: ignore[no-any-return]

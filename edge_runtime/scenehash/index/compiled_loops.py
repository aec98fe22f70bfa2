"""The innermost loops as machine code, by numba. Only long-running processes import it.

Every function is compiled once for the type of word of the codes, for the present processor, and
runs without Python's lock.
"""

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numba import from_dtype, njit, types
from numba.extending import intrinsic

from .multi_index import MAX_WINDOW

# Distances are uint16 and items int64, also where fewer bits would do: so there is one form of each
# loop. mypy does not read the loops: their types are numba's, given at the end.

# So many codes are compared before it is asked whether any of them is near: few enough that a near
# one is found at once, many enough to be rarely asked: with 256, wide codes take 4 % longer.
BLOCK = 512
# As many entries of a bucket; it may read so many past the end of the last one.
ENTRIES = 32
# The number of buckets to prefetch, and the maximum bytes of each.
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
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [address.type], kind)
        # To be read, kept in all levels, data.
        builder.call(function, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@njit(nogil=True)
def _compare(flat, begin, end, query, unrolled, distances):
    """Write the distances of codes begin to end - 1 to distances, and return the least.

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
            distances[i] = distance
            if distance < least:
                least = distance
    elif len(unrolled) == 2:
        a, b = query[0], query[1]
        for i in range(end - begin):
            at = _TWO * np.uint64(i)
            distance = np.uint16(_ones(part[at] ^ a) + _ones(part[at + _ONE] ^ b))
            distances[i] = distance
            if distance < least:
                least = distance
    elif len(unrolled) == 3:
        a, b, c = query[0], query[1], query[2]
        for i in range(end - begin):
            at = _THREE * np.uint64(i)
            distance = np.uint16(
                _ones(part[at] ^ a) + _ones(part[at + _ONE] ^ b) + _ones(part[at + _TWO] ^ c)
            )
            distances[i] = distance
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
            distances[i] = distance
            if distance < least:
                least = distance
    else:
        for i in range(end - begin):
            at = np.uint64(width) * np.uint64(i)
            distance = np.uint16(0)
            for word in range(width):
                distance += np.uint16(_ones(part[at + np.uint64(word)] ^ query[word]))
            distances[i] = distance
            if distance < least:
                least = distance
    return least


@njit(nogil=True)
def _drop(distances, items, count, limit, more):
    """Keep of the first count only what is within a limit, and the first `more` just beyond it."""
    kept = 0
    for i in range(count):
        distance = distances[i]
        if distance == limit + 1 and more > 0:
            more -= 1
        elif distance > limit:
            continue
        distances[kept], items[kept] = distance, items[i]
        kept += 1
    return kept


@njit(nogil=True)
def _sort(distances, items, count):
    """Sort the first count by distance, equal ones in the order they have: a counting sort."""
    starts = np.zeros(int(distances[:count].max()) + 2, np.int64)
    for i in range(count):
        starts[np.int64(distances[i]) + 1] += 1
    for distance in range(1, len(starts)):
        starts[distance] += starts[distance - 1]
    from_distances, from_items = distances[:count].copy(), items[:count].copy()
    for i in range(count):
        at = starts[from_distances[i]]
        starts[from_distances[i]] += 1
        distances[at], items[at] = from_distances[i], from_items[i]


def _select(
    flat, begin, end, queries, unrolled, wanted, ordered, limits, found, kept_distances, kept_items
):  # fmt: skip
    """Compare codes begin to end - 1 with queries [Q, W]; keep what may be among the nearest.

    flat: words of all codes. unrolled: W numbers, of which only how many there are matters: the
    compiler knows it; none: W is not known to it. wanted: how many codes make the nearest. ordered:
    of two at one distance the first is the nearer. limits: int64 [Q], lowered as nearer codes are
    found. kept_distances, kept_items: [Q, R], where found [Q] of each are written, sorted by
    distance, then item. Returns where it stopped: before the end when there was no more room.
    """
    room = kept_items.shape[1]
    found[:] = 0
    # The number within the limit, and the number at each distance.
    within = np.zeros(len(queries), np.int64)
    tally = np.zeros((len(queries), 8 * queries.shape[1] * queries.itemsize + 1), np.int64)
    distances = np.empty(BLOCK, np.uint16)
    stopped = end
    for start in range(begin, end, BLOCK):
        stop = min(start + BLOCK, end)
        for number in range(len(queries)):
            if found[number] + BLOCK <= room:
                continue
            more = wanted - within[number] if ordered else 0
            found[number] = _drop(
                kept_distances[number], kept_items[number], found[number], limits[number], more
            )
            if found[number] + BLOCK > room:
                stopped = start
        if stopped < end:
            break
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
                kept_distances[number, kept], kept_items[number, kept] = distance, start + i
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
    for number in range(len(queries)):
        more = wanted - within[number] if ordered else 0
        count = _drop(
            kept_distances[number], kept_items[number], found[number], limits[number], more
        )
        if count > 0:
            _sort(kept_distances[number], kept_items[number], count)
        found[number] = count
    return stopped


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


def _find(tables, buckets, query, codes, max_entries, work):
    """Read buckets of a multi-index and compare the codes whose sketches are near the query's.

    tables, buckets: those of a MultiIndex and of a Shape. query: its columns, with a zero behind
    them, and its words. codes: rows, less first, that tell where among the words an item's code is
    (empty: at the item's number), first, and the words. work: counts [ENTRIES], starts, ends [P],
    items, at, distances [R], to be written to. Returns how many entries there are, and how many
    items and distances were written, one perhaps twice; -1 items: more entries than max_entries;
    R + 1 items: there is no room for all of them.
    """
    offsets, sketches, slots, slot_bytes, bits = tables
    masks, room, per_table, sketched = buckets
    columns, words = query
    rows, first, flat = codes
    counts, starts, ends, items, at, distances = work
    bucket, entries = 0, 0
    for table in range(len(per_table)):
        own = offsets[table]
        own_key = np.uint32(columns[table]) >> np.uint32(16 - bits)
        for _ in range(per_table[table]):
            key = masks[bucket] ^ own_key
            starts[bucket], ends[bucket] = own[key], own[key + 1]
            entries += np.int64(ends[bucket]) - np.int64(starts[bucket])
            bucket += 1
    if entries > max_entries:
        return entries, -1
    item_count = (len(sketches) - MAX_WINDOW) // len(per_table)
    count, bucket, buckets_in_all = 0, 0, bucket
    for table in range(len(per_table)):
        high, low = sketched[table, 0], sketched[table, 1]
        own_sketch = (np.uint32(columns[high]) << np.uint32(16)) | np.uint32(columns[low])
        for _ in range(per_table[table]):
            if bucket + _AHEAD < buckets_in_all:
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
            slot, offset = np.int64(0), (entry - item_count) * slot_bytes
            for byte in range(slot_bytes):
                slot |= np.int64(slots[offset + byte]) << (8 * byte)
            items[i] = np.int64(offsets[0, sketches[entry] >> np.uint32(32 - bits)]) + slot
    width = len(words)
    # Loop by loop, so that the processor waits for many codes in memory at once.
    if len(rows) > 0:
        for i in range(count):
            at[i] = first + np.int64(rows[items[i]])
    else:
        for i in range(count):
            at[i] = items[i]
    for i in range(count):
        begin = at[i] * width
        distance = np.uint16(0)
        for word in range(width):
            distance += np.uint16(_ones(flat[begin + word] ^ words[word]))
        distances[i] = distance
    return entries, count


def _rank(items, distances, table, farthest, nearest, rows):
    """Write the nearest rows behind items to rows [k], their distances to nearest [k].

    items [N] in any order, some perhaps twice, at distances [N]. table: rows of a segment, less
    first; where each item's begin (empty: each has the one at its number); first. Rows beyond
    farthest are left out. Returns how many there are. Their order is that of topk.search_order,
    which a compiled loop cannot call.
    """
    own, starts, first = table
    k, count = len(rows), len(items)
    if count == 0 or k == 0:
        return 0
    sorted_distances, sorted_items = distances.copy(), items.copy()
    _sort(sorted_distances, sorted_items, count)
    written, begin = 0, 0
    while begin < count and written < k and sorted_distances[begin] <= farthest:
        end = begin + 1
        while end < count and sorted_distances[end] == sorted_distances[begin]:
            end += 1
        group = np.sort(sorted_items[begin:end])
        # Of one item the first rows are enough: they ascend.
        room = 0
        for item in group:
            room += min(k, np.int64(starts[item + 1]) - starts[item]) if len(starts) > 0 else 1
        behind, size, before = np.empty(room, np.int64), 0, np.int64(-1)
        for item in group:
            if item == before:
                continue
            before = item
            at, last = item, item + 1
            if len(starts) > 0:
                at, last = np.int64(starts[item]), np.int64(starts[item + 1])
            for number in range(at, min(last, at + k)):
                behind[size] = first + np.int64(own[number])
                size += 1
        behind = np.sort(behind[:size])
        for number in range(min(size, k - written)):
            nearest[written], rows[written] = sorted_distances[begin], behind[number]
            written += 1
        begin = end
    return written


def unrolled(width: int) -> tuple[int, ...]:
    """What _select takes as unrolled for codes of so many words."""
    return (0,) * (width if width <= _UNROLLED else 0)


def _read(dtype: Any, dimensions: int = 1) -> Any:
    """The type of an array that is not written to, whether or not it might be."""
    return types.Array(dtype, dimensions, "C", readonly=True)


def _written(dtype: Any, dimensions: int = 1) -> Any:
    return types.Array(dtype, dimensions, "C")


def _of_kind(loop: Any, *kind: object) -> Any:
    """A loop under a name of its own, so that numba keeps it in files of its own.

    Numba numbers the kinds of one function as it keeps them, without a lock: of two processes that
    keep two kinds at once, both may take one number, and the file of one kind then has the other.
    """
    name = "_".join([loop.__name__, *map(str, kind)])
    named = FunctionType(loop.__code__, loop.__globals__, name)
    named.__qualname__ = name
    return named


@cache
def compiled_select(word: np.dtype[Any], words: int, keep: bool) -> Callable[..., int]:
    """_select for a type of word and so many unrolled. keep: on disk, for the next process.

    Raises RuntimeError when no folder can be written to.
    """
    loop = _of_kind(_select, word, words)
    integer, word = types.int64, from_dtype(word)
    signature = integer(
        _read(word), integer, integer, _read(word, 2), types.UniTuple(integer, words), integer,
        types.boolean, _written(integer), _written(integer), _written(types.uint16, 2),
        _written(integer, 2),
    )  # fmt: skip
    return njit(signature, nogil=True, cache=keep)(loop)  # type: ignore[no-any-return]


@cache
def compiled_find(word: np.dtype[Any], keep: bool) -> Callable[..., tuple[int, int]]:
    """_find for a type of word; the rest as of `compiled_select`."""
    loop = _of_kind(_find, word)
    integer, short, word = types.int64, types.uint32, from_dtype(word)
    byte = _read(types.uint8)
    tables = types.Tuple([_read(short, 2), _read(short), byte, integer, integer])
    buckets = types.Tuple([_read(short), byte, _read(integer), _read(integer, 2)])
    query = types.Tuple([_read(types.uint16), _read(word)])
    codes = types.Tuple([_read(short), integer, _read(word)])
    work = types.Tuple([_written(short)] * 3 + [_written(integer)] * 2 + [_written(types.uint16)])
    signature = types.UniTuple(integer, 2)(tables, buckets, query, codes, integer, work)
    return njit(signature, nogil=True, cache=keep)(loop)  # type: ignore[no-any-return]


@cache
def compiled_rank(keep: bool) -> Callable[..., int]:
    """_rank; keep: as of `compiled_select`."""
    integer, short = types.int64, types.uint32
    table = types.Tuple([_read(short), _read(short), integer])
    signature = integer(
        _read(integer),
        _read(types.uint16),
        table,
        integer,
        _written(types.int32),
        _written(integer),
    )
    return njit(signature, nogil=True, cache=keep)(_rank)  # type: ignore[no-any-return]

"""SegmentSet files are never believed unchecked, and never needed."""

import dataclasses
import json
import struct
import threading
import zlib

import numpy as np
import pytest

from scenehash.index import CodeIndex, code_index, segment_file
from scenehash.index.build import build_segment
from scenehash.index.words import as_words

from ...threads import at_once
from .planners import NOTHING_IS_DEAR

pytestmark = pytest.mark.usefixtures("loops")

# Segments of a size that tests write, and no smaller.
EAGER = dataclasses.replace(NOTHING_IS_DEAR, min_segment=50)


def random_codes(rows: int, width: int = 3, seed: int = 0):
    """About as many codes as may be different, with equal ones among them."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 256, (rows // 3 + 1, width), np.uint8)
    return kinds[rng.integers(0, len(kinds), rows)]


def expected(codes, query, k):
    distances = np.bitwise_count(codes ^ query).sum(axis=1)
    order = np.lexsort((np.arange(len(codes)), distances))[:k]
    return distances[order].tolist(), order.tolist()


def assert_exact(index: CodeIndex, codes, k: int = 12) -> None:
    queries = np.concatenate([codes[:1], codes[-1:], ~codes[:1]])
    distances, rows = index.search(queries, k)
    for number, query in enumerate(queries):
        assert (distances[number].tolist(), rows[number].tolist()) == expected(codes, query, k)


def plans(index: CodeIndex, codes) -> dict[str, int]:
    return index.search_explained(codes[:1], 5)[2].plans


@pytest.fixture
def built(tmp_path):
    codes = random_codes(120)
    CodeIndex(codes, folder=tmp_path, key="a", planner=EAGER).build()
    (path,) = tmp_path.iterdir()
    return codes, path


def reopened(codes, path) -> CodeIndex:
    return CodeIndex(codes, folder=path.parent, key="a", planner=EAGER)


def test_what_one_process_built_another_uses(built) -> None:
    codes, path = built
    index = reopened(codes, path)
    assert index.pending == 0
    assert index.nbytes == pytest.approx(path.stat().st_size, abs=2000)
    assert plans(index, codes) == {"multi_index": 1}
    assert_exact(index, codes)


def test_a_search_says_whether_an_index_is_missing_or_only_not_read_yet(
    built, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, path = built
    monkeypatch.setattr(segment_file, "_verdicts", {})
    dear = dataclasses.replace(EAGER, check_byte=1e9)
    index = CodeIndex(codes, folder=path.parent, key="a", planner=dear)
    assert "reading the index" in str(index.search_explained(codes[:1], 5)[2])
    other = CodeIndex(codes, folder=path.parent, key="b", planner=dear)
    assert "no index yet" in str(other.search_explained(codes[:1], 5)[2])


def test_a_warm_index_is_read(built, monkeypatch: pytest.MonkeyPatch) -> None:
    codes, path = built
    monkeypatch.setattr(segment_file, "_verdicts", {})
    monkeypatch.setattr(segment_file, "_bound", {})
    dear = dataclasses.replace(EAGER, check_byte=1e9)
    index = CodeIndex(codes, folder=path.parent, key="a", planner=dear)
    index.warm()
    assert plans(index, codes) == {"multi_index": 1}
    # Codes that were added meanwhile: here their segment can be neither used nor found wrong.
    behind = CodeIndex(codes[:-1], folder=path.parent, key="a", origin="o", planner=dear)
    behind.warm()
    assert_exact(behind, codes[:-1])
    grown = CodeIndex(codes, folder=path.parent, key="a", origin="o", planner=dear)
    grown.warm()
    assert plans(grown, codes) == {"multi_index": 1}


@pytest.mark.slow
def test_any_damaged_byte_is_noticed_and_the_search_exact_without_the_file(built) -> None:
    codes, path = built
    good = path.read_bytes()
    for offset in range(len(good)):
        damaged = bytearray(good)
        damaged[offset] ^= 1 << offset % 8
        path.unlink()
        path.write_bytes(damaged)
        index = reopened(codes, path)
        assert plans(index, codes) == {"scan": 1}, offset
        if offset % 50 == 0:
            assert_exact(index, codes)


def test_a_file_cut_short_anywhere_is_done_without(built) -> None:
    codes, path = built
    good = path.read_bytes()
    for length in [0, 1, 15, 16, 17, *range(20, len(good), 97), len(good) - 1]:
        path.unlink()
        path.write_bytes(good[:length])
        index = reopened(codes, path)
        assert plans(index, codes) == {"scan": 1}, length
        assert_exact(index, codes)


def test_a_damaged_file_is_built_again(built) -> None:
    codes, path = built
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    index = reopened(codes, path)
    index.build()
    assert path.read_bytes() == good
    assert plans(index, codes) == {"multi_index": 1}
    assert plans(reopened(codes, path), codes) == {"multi_index": 1}


def test_files_of_another_key_or_width_are_left_out_and_replaced(built) -> None:
    codes, path = built
    other = CodeIndex(codes, folder=path.parent, key="b", planner=EAGER)
    assert (other.pending, plans(other, codes)) == (120, {"scan": 1})
    wider = random_codes(120, width=4)
    assert plans(CodeIndex(wider, folder=path.parent, key="a", planner=EAGER), wider) == {"scan": 1}
    other.build()
    assert plans(other, codes) == {"multi_index": 1}
    assert reopened(codes, path).pending == 120


def test_a_file_about_other_codes_is_left_out_and_replaced(built) -> None:
    codes, path = built
    for row in (0, 60, 119):
        others = codes.copy()
        others[row] ^= 1
        index = reopened(others, path)
        assert plans(index, others) == {"scan": 1}
        assert_exact(index, others)
    index.build()
    assert list(plans(reopened(others, path), others)) != ["scan"]
    assert plans(reopened(codes, path), codes) == {"scan": 1}


def test_a_file_of_a_later_version_is_left_out(built) -> None:
    codes, path = built
    content = path.read_bytes()
    magic, length, _ = struct.unpack_from("<8sII", content)
    header = json.loads(content[16 : 16 + length])
    header["version"] += 1
    head = json.dumps(header).encode().ljust(length)
    assert len(head) == length
    path.write_bytes(
        struct.pack("<8sII", magic, length, zlib.crc32(head)) + head + content[16 + length :]
    )
    assert plans(reopened(codes, path), codes) == {"scan": 1}


def test_rows_that_came_since_are_scanned_and_rows_not_seen_yet_not_found(built) -> None:
    codes, path = built
    longer = np.concatenate([codes, codes[:30]])
    index = reopened(longer, path)
    assert index.pending == 0  # fewer than are worth a segment
    assert plans(index, longer) == {"multi_index": 1, "scan": 1}
    assert_exact(index, longer)
    shorter = codes[:70]
    assert_exact(reopened(shorter, path), shorter)


def test_a_shorter_reader_leaves_the_writers_files_alone(built) -> None:
    codes, path = built
    reader = reopened(codes[:110], path)
    assert plans(reader, codes) == {"scan": 1}
    assert path.exists()


@pytest.mark.parametrize("on_disk", [True, False])
def test_many_small_additions_leave_few_segments(tmp_path, on_disk) -> None:
    codes = random_codes(5000)
    planner = dataclasses.replace(EAGER, max_segment=2000)
    folder = tmp_path if on_disk else None
    index = CodeIndex(codes[:0], folder=folder, planner=planner)
    for rows in range(100, 5001, 100):
        index = CodeIndex(codes[:rows], folder=folder, planner=planner)
        index.build()
        assert index.pending == 0
    assert_exact(index, codes)
    if on_disk:
        assert len(list(tmp_path.iterdir())) <= 8
    assert plans(index, codes)["multi_index"] <= 8


def test_a_file_is_checked_only_once_that_pays(built, monkeypatch) -> None:
    codes, path = built
    costs = code_index.kernels_for(as_words(codes)).costs  # type: ignore[attr-defined]
    scan = EAGER.times(costs).scan(120, 1)
    patient = dataclasses.replace(EAGER, check_byte=scan / path.stat().st_size * 2.5)
    for known in ("_verdicts", "_debts"):  # as in a new process
        monkeypatch.setattr(segment_file, known, {})
    index = CodeIndex(codes, folder=path.parent, key="a", planner=patient)
    assert [list(plans(index, codes)) for _ in range(4)] == [
        ["scan"], ["scan"], ["multi_index"], ["multi_index"],
    ]  # fmt: skip
    again = CodeIndex(codes, folder=path.parent, key="a", planner=patient)
    assert list(plans(again, codes)) == ["multi_index"]


def test_a_reader_writes_nothing(built, monkeypatch) -> None:
    codes, path = built
    before = path.parent.stat().st_mtime_ns, path.stat().st_mtime_ns

    def refused(*_arguments, **_more):
        raise PermissionError(13, "Permission denied")

    for name in ("mkdir", "unlink", "replace", "write_bytes"):
        monkeypatch.setattr(f"pathlib.Path.{name}", refused)
    index = reopened(np.concatenate([codes, codes]), path)
    assert_exact(index, np.concatenate([codes, codes]))
    assert (path.parent.stat().st_mtime_ns, path.stat().st_mtime_ns) == before
    with pytest.raises(PermissionError):
        index.build()
    assert_exact(index, np.concatenate([codes, codes]))


def test_a_folder_that_is_gone_or_cannot_be_listed_is_done_without(tmp_path) -> None:
    codes = random_codes(120)
    assert_exact(CodeIndex(codes, folder=tmp_path / "none", planner=EAGER), codes)
    (tmp_path / "file").touch()
    index = CodeIndex(codes, folder=tmp_path / "file", planner=EAGER)
    assert_exact(index, codes)
    with pytest.raises(OSError, match="file"):
        index.build()
    assert_exact(index, codes)


def test_a_write_that_fails_leaves_nothing_half_written(tmp_path, monkeypatch) -> None:
    codes = random_codes(120)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    index = CodeIndex(codes, folder=tmp_path, planner=EAGER)
    with pytest.raises(OSError, match="space"):
        index.build()
    assert list(tmp_path.iterdir()) == []
    assert_exact(index, codes)


@pytest.mark.slow
def test_builds_at_once_and_reads_during_them_are_exact(tmp_path) -> None:
    codes = random_codes(3000)
    planner = dataclasses.replace(EAGER, max_segment=500)
    sizes = iter([rows for _ in range(20) for rows in range(300, 3001, 300)] * 100)

    def build(_number: int) -> None:
        CodeIndex(codes[: next(sizes)], folder=tmp_path, planner=planner).build()

    def read(_number: int) -> None:
        assert_exact(CodeIndex(codes, folder=tmp_path, planner=planner), codes)

    assert at_once([build, build, read, read], seconds=1.5) == []
    index = CodeIndex(codes, folder=tmp_path, planner=planner)
    index.build()
    assert_exact(index, codes)


def test_a_search_does_not_wait_for_a_build(tmp_path, monkeypatch) -> None:
    codes = random_codes(1000)
    begun, go_on = threading.Event(), threading.Event()

    def slow(*arguments):
        begun.set()
        assert go_on.wait(10)
        return build_segment(*arguments)

    monkeypatch.setattr("scenehash.index.segment_set.build_segment", slow)
    index = CodeIndex(codes, folder=tmp_path, planner=EAGER)
    builder = threading.Thread(target=index.build)
    builder.start()
    assert begun.wait(10)
    assert plans(index, codes) == {"scan": 1}
    assert_exact(index, codes)
    go_on.set()
    builder.join()
    assert plans(index, codes) == {"multi_index": 1}
    assert_exact(index, codes)


@pytest.mark.parametrize("width", [2, 3, 8, 13, 32])
@pytest.mark.parametrize("kinds", [1, 300, 20_000, 10**9])
def test_an_index_takes_at_most_24_bytes_a_row(width: int, kinds: int) -> None:
    rng = np.random.default_rng(width)
    codes = rng.integers(0, 256, (min(kinds, 70_000), width), np.uint8)
    codes = codes[rng.integers(0, len(codes), 70_000)] if kinds < 70_000 else codes
    index = CodeIndex(codes)
    index.build()
    assert 0 < index.nbytes <= 24 * len(codes)

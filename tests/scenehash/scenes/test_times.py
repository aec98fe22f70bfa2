import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scenehash.scenes.times import time_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("naip_4band_rgbn8_5m_20140720.tif", datetime(2014, 7, 20, tzinfo=UTC)),
        ("LC81070352015122LGN00_rgb.tif", datetime(2015, 5, 2, tzinfo=UTC)),
        ("S2A_MSIL1C_20170105T013442_N0204.jp2", datetime(2017, 1, 5, 1, 34, 42, tzinfo=UTC)),
        ("scene-2026-11-24.png", datetime(2026, 11, 24, tzinfo=UTC)),
        ("T33_20261124_083000.tif", datetime(2026, 11, 24, 8, 30, tzinfo=UTC)),
        ("harbor42.jpg", None),
        ("x123456789012345.tif", None),
        ("20261340.tif", None),
        ("99991231.tif", None),
        ("LC81950272015366LGN00.tif", None),
    ],
)
def test_a_name_may_hold_the_time(name: str, expected: datetime | None) -> None:
    assert time_of(Path("/nowhere") / name, {}).time == expected


def test_tags_come_before_the_name_and_a_stac_item_before_both(tmp_path: Path) -> None:
    path = tmp_path / "a_20140720.tif"
    tags = {"ACQUISITIONDATETIME": "2019:03:01 10:11:12"}
    assert time_of(path, tags).time == datetime(2019, 3, 1, 10, 11, 12, tzinfo=UTC)
    assert time_of(path, {"TIFFTAG_DATETIME": "once"}).time == datetime(2014, 7, 20, tzinfo=UTC)
    item = {"type": "Feature", "properties": {"datetime": "2020-12-11T22:38:32.125Z"}}
    path.with_suffix(".json").write_text(json.dumps(item))
    assert time_of(path, tags).time == datetime(2020, 12, 11, 22, 38, 32, 125000, tzinfo=UTC)
    item = {"properties": {"datetime": None, "start_datetime": "2020-12-11T23:00:00+01:00"}}
    path.with_suffix(".json").write_text(json.dumps(item))
    assert time_of(path, tags).time == datetime(2020, 12, 11, 22, tzinfo=UTC)
    for written in ("2020-12-11t22:00:00z", "2020-W50-5T22:00:00Z", "2020-12-12T03:30:00+05:30"):
        path.with_suffix(".json").write_text(json.dumps({"properties": {"datetime": written}}))
        assert time_of(path, tags).time == datetime(2020, 12, 11, 22, tzinfo=UTC)
    for broken in ("[]", "{", '{"properties": 5}', '{"properties": {"datetime": null}}'):
        path.with_suffix(".json").write_text(broken)
        assert time_of(path, tags).time == datetime(2019, 3, 1, 10, 11, 12, tzinfo=UTC)


@pytest.mark.parametrize("tag", ["TIFFTAG_DATETIME", "DATETIME"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a_20140720", datetime(2014, 7, 20, tzinfo=UTC)),  # edited five years later
        ("a_20190301", datetime(2019, 3, 1, 10, 11, 12, tzinfo=UTC)),
        ("delivered_20200101", datetime(2019, 3, 1, 10, 11, 12, tzinfo=UTC)),
        ("a", datetime(2019, 3, 1, 10, 11, 12, tzinfo=UTC)),
    ],
)
def test_a_scene_was_acquired_before_its_file_was_made(
    tmp_path: Path, tag: str, name: str, expected: datetime
) -> None:
    tags = {tag: "2019:03:01 10:11:12"}
    acquired = time_of(tmp_path / f"{name}.tif", tags)
    assert acquired.time == expected
    assert acquired.beside == (expected if name == "a_20140720" else None)


@pytest.mark.parametrize(
    ("item", "warning"),
    [
        (b'{"properties":{"datetime":"9999-12-31T23:59:59-05:00"}}', "is not a time between"),
        (b'{"properties":{"datetime":"0001-01-01T00:00:00+05:00"}}', "is not a time between"),
        (b'{"properties":{"datetime":20240203}}', "is not a time between"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"properties":{"x":' + b"9" * 5000 + b"}}", "digits"),
        (b"{", "not JSON"),
    ],
)
def test_a_note_that_cannot_be_used_is_named_and_takes_nothing_down(
    tmp_path: Path, item: bytes, warning: str
) -> None:
    path = tmp_path / "a_20140720.tif"
    path.with_suffix(".json").write_bytes(item)
    acquired = time_of(path, {})
    assert acquired.time == datetime(2014, 7, 20, tzinfo=UTC)
    assert warning in acquired.warnings[0]
    assert "a_20140720.json beside it is not used" in acquired.warnings[0]


def test_a_note_in_latin_1_is_read(tmp_path: Path) -> None:
    text = '{"properties":{"title":"\xe9","datetime":"2024-02-03T00:00:00Z"}}'
    (tmp_path / "a.json").write_bytes(text.encode("latin-1"))
    assert time_of(tmp_path / "a.png", {}) == (datetime(2024, 2, 3, tzinfo=UTC),) * 2 + ((),)


def test_a_pipe_or_gigabytes_beside_a_scene_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    assert "is a pipe" in time_of(tmp_path / "a.png", {}).warnings[0]
    with (tmp_path / "b.json").open("wb") as file:
        file.truncate(6 << 30)
    assert "6,442,450,944 bytes" in time_of(tmp_path / "b.png", {}).warnings[0]
    (tmp_path / "c.json").mkdir()
    assert "is a folder" in time_of(tmp_path / "c.png", {}).warnings[0]


def test_a_tag_of_an_impossible_year_is_no_time(tmp_path: Path) -> None:
    tags = {"TIFFTAG_DATETIME": "0000:00:00 00:00:00", "ACQUISITION_DATE": "9999-01-01"}
    assert time_of(tmp_path / "a.tif", tags).time is None

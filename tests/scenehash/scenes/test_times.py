import json
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
    ],
)
def test_a_name_may_hold_the_time(name: str, expected: datetime | None) -> None:
    assert time_of(Path("/nowhere") / name, {}) == expected


def test_tags_come_before_the_name_and_a_stac_item_before_both(tmp_path: Path) -> None:
    path = tmp_path / "a_20140720.tif"
    tags = {"TIFFTAG_DATETIME": "2019:03:01 10:11:12"}
    assert time_of(path, tags) == datetime(2019, 3, 1, 10, 11, 12, tzinfo=UTC)
    assert time_of(path, {"TIFFTAG_DATETIME": "once"}) == datetime(2014, 7, 20, tzinfo=UTC)
    item = {"type": "Feature", "properties": {"datetime": "2020-12-11T22:38:32.125Z"}}
    path.with_suffix(".json").write_text(json.dumps(item))
    assert time_of(path, tags) == datetime(2020, 12, 11, 22, 38, 32, 125000, tzinfo=UTC)
    item = {"properties": {"datetime": None, "start_datetime": "2020-12-11T23:00:00+01:00"}}
    path.with_suffix(".json").write_text(json.dumps(item))
    assert time_of(path, tags) == datetime(2020, 12, 11, 22, tzinfo=UTC)
    for broken in ("[]", "{", '{"properties": 5}', '{"properties": {"datetime": null}}'):
        path.with_suffix(".json").write_text(broken)
        assert time_of(path, tags) == datetime(2019, 3, 1, 10, 11, 12, tzinfo=UTC)

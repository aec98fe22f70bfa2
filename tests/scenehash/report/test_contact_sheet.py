"""Captions of a contact sheet: names in any script, and what tells tiles of one scene apart."""

from pathlib import Path

import numpy as np
import pytest

from scenehash.report import contact_sheet as sheet
from scenehash.report import lettering
from scenehash.report.contact_sheet import SheetLine, contact_sheet, write_picture
from scenehash.report.lettering import drawable, shortened, width_of, write
from scenehash.store import Hit
from scenehash.tiling import Window

from ...scenes import draw, read_pixels

NAMES = ["гавань.jpg", "北京港口.jpg", "Ελλάδα.tif", "été.png", "مرفأ.tif"]


def drawn(text: str) -> np.ndarray:
    canvas = np.full((40, 400, 3), 255, np.uint8)
    write(canvas, text, (5, 25), (0, 0, 0))
    return canvas


@pytest.fixture(params=["its fonts", "none"])
def fonts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With the fonts of OpenCV 5, where it is installed, and as with OpenCV 4."""
    has_fonts = request.param == "its fonts" and lettering.HAS_FONTS
    monkeypatch.setattr(lettering, "HAS_FONTS", has_fonts)
    lettering._is_drawn.cache_clear()
    return has_fonts


@pytest.mark.parametrize("name", NAMES)
def test_names_in_other_scripts_are_no_question_marks(name: str, fonts: bool) -> None:
    shown = drawable(name)
    assert "?" not in shown
    assert (shown == name) == fonts
    if not fonts:
        assert shown.isascii()
        assert json_text(shown) == name
    as_question_marks = "".join(one if one.isascii() else "?" for one in name)
    assert not np.array_equal(drawn(name), drawn(as_question_marks))
    other = name.replace(name[0], name[1], 1)
    assert not np.array_equal(drawn(name), drawn(other))


def json_text(escaped: str) -> str:
    return escaped.encode("ascii").decode("unicode_escape")


@pytest.mark.usefixtures("fonts")
def test_what_no_font_has_is_escaped_and_what_acts_on_a_terminal_too() -> None:
    assert drawable("\u0939") == "\\u0939"
    assert drawable("\U0001f6f0") == "\\ud83d\\udef0"
    assert drawable("a\x1b[2J\u202eb\n") == "a\\u001b[2J\\u202eb\\n"
    # macOS writes accents as characters of their own.
    assert drawable("e\u0301") == drawable("\u00e9")
    assert drawable("why?.png") == "why?.png"


@pytest.mark.usefixtures("fonts")
def test_a_long_name_keeps_its_end() -> None:
    for name in ("x" * 300 + "_0042.tif", "北" * 300 + "_0042.tif"):
        short = shortened(name, 160)
        assert short.startswith("..")
        assert short.endswith("_0042.tif")
        assert 140 < width_of(short) <= 160
    assert shortened("a.tif", 160) == "a.tif"


def hits(*scenes: str) -> list[Hit]:
    return [
        Hit(rank, rank, rank, scene, Window(256 * rank, 0, 256, 256), match="doubtful")
        for rank, scene in enumerate(scenes, 1)
    ]


def test_windows_are_named_where_hits_are_of_one_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(sheet, "write", lambda _image, text, *_: written.append(text))
    contact_sheet([SheetLine(draw("river", 1), "q", hits("/in/a.tif", "/in/b.tif", "/in/a.tif"))])
    assert [text for text in written if "+" in text] == ["256x256+256+0", "256x256+768+0"]
    assert written.count("in/a.tif") == 2
    assert written.count("doubtful") == 3
    written.clear()
    contact_sheet([SheetLine(draw("river", 1), "q", hits("/in/a.tif", "/in/b.tif"))])
    assert [text for text in written if "+" in text] == []


def test_a_sheet_has_room_for_its_longest_caption(tmp_path: Path) -> None:
    image = draw("river", 1)
    one, two = (
        contact_sheet([SheetLine(image, "q", hits(*names))])
        for names in (("/in/a.tif", "/in/b.tif"), ("/in/a.tif", "/in/a.tif"))
    )
    assert two.shape[0] == one.shape[0] + 17
    assert two.shape[1] == one.shape[1] == 3 * 172 + 12
    write_picture(tmp_path / "s.png", two)
    assert np.array_equal(read_pixels(tmp_path / "s.png"), two)

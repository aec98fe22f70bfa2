"""Text of others, such as a file's name, reaches a terminal in one line and without effect."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash import CodeStore
from scenehash.errors import InputError, ScenehashError, StoreDamagedError
from scenehash.printable import printable

from .store.samples import make


@given(st.text() | st.text(st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp"))))
def test_no_text_makes_a_terminal_act_or_a_line_end(text: str) -> None:
    shown = printable(text)
    assert not any(ord(one) < 32 or 127 <= ord(one) < 160 for one in shown)
    assert len(shown.splitlines()) <= 1
    assert printable("a\tb\x1b[31m\x7f\n\u202e") == r"a\tb\u001b[31m\u007f\n\u202e"
    assert printable("Käse 港.tif") == "Käse 港.tif"


@pytest.mark.parametrize(
    "error",
    [
        ScenehashError("a\nb"),
        StoreDamagedError("a\nb"),
        InputError("b", "a\n"),
        InputError("b\x1b[2J", Path("a\u2028")),
    ],
)
def test_an_error_is_one_line_whatever_it_names(error: ScenehashError) -> None:
    assert str(error).isprintable()
    assert printable(str(error)) == str(error)


def test_a_damaged_name_with_line_ends_is_an_error_of_one_line(tmp_path: Path) -> None:
    with make(tmp_path / "s", 1) as store, pytest.raises(ScenehashError, match=r"a\\nb") as error:
        store.alerts.remove("a\nb")
    assert str(error.value).isprintable()
    with pytest.raises(ScenehashError, match=r"no\\nstore"):
        CodeStore.open(tmp_path / "no\nstore")

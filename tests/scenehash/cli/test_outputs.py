"""Where a command cannot write, it says so before it works; what was found is shown in any case."""

import json
from pathlib import Path

import pytest

from scenehash.report.contact_sheet import write_picture

from ...scenes import draw
from .test_commands import answer, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    (folder / "in").mkdir()
    for number in range(3):
        write_picture(folder / "in" / f"forest_{number}.png", draw("forest", number))
    assert run("ingest", folder / "in", "--store", folder / "s").exit_code == 0
    answer("alert", "add", "wood", "row:0", "--radius", 3, "--store", folder / "s")
    return folder


NO_PLACE = "not written: no scene is georeferenced"
COMMANDS = [
    ["search", "row:0", "--store", "{s}", "--html"],
    ["search", "row:0", "--store", "{s}", "--geojson"],
    ["alert", "test", "wood", "--store", "{s}", "--sheet"],
    ["store", "export", "{s}", "--out"],
    ["adapt", "--store", "{s}", "--out"],
    ["tiles", "{in}", "--geojson"],
    ["bench", "--plot"],
]
PLACES = [("{nowhere}/o{suffix}", "there is no folder"), ("{folder}{suffix}", "it is a folder")]


@pytest.mark.parametrize(
    ("command", "output", "said"),
    [
        *((command, *place) for command in COMMANDS for place in PLACES),
        *((command, "{s}/o{suffix}", "inside the store's folder") for command in COMMANDS[:5]),
    ],
)
def test_outputs_are_checked_first(
    command: list[str], output: str, said: str, folder: Path, tmp_path: Path
) -> None:
    suffixes = {"--sheet": ".png", "--out": ".npz", "--geojson": ".geojson"}
    suffix = suffixes.get(command[-1], ".html")
    (tmp_path / f"folder{suffix}").mkdir()
    names = {
        "s": folder / "s",
        "in": folder / "in",
        "nowhere": tmp_path / "nowhere",
        "folder": tmp_path / "folder",
        "suffix": suffix,
    }
    words = [word.format(**names) for word in (*command, output)]
    done = run(*words)
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert answer("alert", "list", "--store", folder / "s")["alerts"][0]["radius"] == 3


def test_a_sheet_has_the_name_of_a_picture_before_anything_is_counted(folder: Path) -> None:
    tune = ["alert", "test", "wood", "--store", folder / "s", "--sheet"]
    done = run(*tune, folder / "wood.docx")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "not a picture format" in done.stderr
    assert answer("alert", "list", "--store", folder / "s")["alerts"][0]["radius"] == 3


def test_tiles_are_shown_although_none_has_a_footprint(folder: Path, tmp_path: Path) -> None:
    command = ["tiles", folder / "in", "--geojson", tmp_path / "cut.geojson"]
    done = run(*command)
    assert done.exit_code == 1
    assert "forest_2.png" in done.stdout
    assert NO_PLACE in " ".join(done.stderr.split())
    assert not (tmp_path / "cut.geojson").exists()
    document = json.loads(run(*command, "--json").stdout)
    assert len(document["scenes"]) == 3
    assert document["not_written"] == {"geojson": f"{tmp_path / 'cut.geojson'}: {NO_PLACE}"}


def test_counts_of_tiles_that_show_nothing_agree_in_number(tmp_path: Path) -> None:
    for number in (1, 2):
        blank = draw("forest", number)
        blank[:] = 70 * number
        write_picture(tmp_path / f"{number}.png", blank)
    one = run("ingest", tmp_path / "1.png", "--store", tmp_path / "s")
    assert "1 blank tile," in one.stdout
    assert "1 of 1 tiles are blank (of one colour), and find each other" in one.stderr
    assert "2 blank tiles," in run("ingest", tmp_path, "--store", tmp_path / "s2").stdout

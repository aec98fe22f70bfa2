"""What a person sees on a terminal: progress, and names in narrow tables."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from scenehash.cli.console import CONSOLE, FittingTable, NameCell, report
from scenehash.cli.tiles import LEAST_NAME
from scenehash.report.contact_sheet import write_picture

from ...command_line import run


def test_the_rate_of_a_task_survives_a_larger_total() -> None:
    with CONSOLE.task("ingest", 4) as task:
        for _ in range(3):
            task.advance(1)
        before = task._shown.tasks[0].speed
        task.plan(60)
        task.advance(1)
        shown = task._shown.tasks[0]
        assert (shown.total, shown.completed, shown.finished) == (64, 4, False)
        assert before is not None
        assert shown.speed is not None


def test_a_total_that_grows_after_the_end_goes_on() -> None:
    with CONSOLE.task("ingest", 2) as task:
        task.advance(2)
        assert task._shown.tasks[0].finished
        task.plan(1)
        assert not task._shown.tasks[0].finished
        task.advance(1)
        assert task._shown.tasks[0].finished


def test_the_table_of_tiles_gives_room_to_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenehash.cli.console.PIPE_WIDTH", 70)
    name = "landsat8_of_the_north_2026-03-01.png"
    write_picture(tmp_path / name, np.zeros((600, 900, 3), np.uint8))
    head, line = run("tiles", tmp_path / name).stdout.splitlines()[:2]
    assert "time" not in head and "stretch" not in head
    assert len(line.split()[0]) >= LEAST_NAME
    assert line.split()[0].endswith("2026-03-01.png")


def test_a_narrow_table_leaves_out_the_middle_of_a_name() -> None:
    def lines(width: int) -> list[str]:
        table = Table("scene", box=None)
        table.add_row(NameCell("mediumresidential/mediumresidential07.jpg"))
        table.add_row(NameCell("港口/港口港口港口港口港口.tif"))
        table.add_row(NameCell("a\nb.png"))
        console = Console(file=io.StringIO(), width=width)
        console.print(table)
        assert isinstance(console.file, io.StringIO)
        return [line.strip() for line in console.file.getvalue().splitlines()[1:]]

    assert lines(60) == [
        "mediumresidential/mediumresidential07.jpg", "港口/港口港口港口港口港口.tif", r"a\nb.png"
    ]  # fmt: skip
    assert lines(22) == ["medium…dential07.jpg", "港口/…口港口港口.tif", r"a\nb.png"]


def test_a_pipe_gets_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    report(
        {}, False, "a" * 500 + " " + "b" * 500, FittingTable(["x", "y"], [["c" * 300, "d"]], "x")
    )
    assert [len(line.split()) for line in capsys.readouterr().out.splitlines()] == [2, 2, 2]

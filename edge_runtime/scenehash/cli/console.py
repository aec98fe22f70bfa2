"""The output of commands: results on stdout, all other lines on stderr.

Names and messages come from outside. This module escapes terminal control characters in all output.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from typer.exceptions import TyperException

from scenehash.printable import printable

from .exit_status import EXIT_FAILED, EXIT_USAGE

# A file or a pipe has no width: no line is wrapped or cut there.
PIPE_WIDTH = 1_000_000

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


class UsageError(TyperException):
    """A command's arguments contradict each other."""

    exit_code = EXIT_USAGE


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 tile", "2,000 tiles"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def report(document: Mapping[str, object], as_json: bool, *shown: RenderableType) -> None:
    """Print a command's result: the document as JSON, or the lines and tables for a person.

    Each string is one line.
    """
    if as_json:
        json.dump(document, sys.stdout, indent=2)
        sys.stdout.write("\n")
    elif shown:
        width = None if sys.stdout.isatty() else PIPE_WIDTH
        _console(width=width).print(*shown, sep="\n")


def report_files(
    document: Mapping[str, object],
    as_json: bool,
    shown: Sequence[RenderableType],
    files: tuple[Mapping[str, str], Mapping[str, str]],
) -> None:
    """Print a result, the files that were written, and the errors of the others (write_each).

    Without files, the document has no keys "written" and "not_written". The exit status is 1 if a
    file could not be written.
    """
    written, failed = files
    more = {"written": written, "not_written": failed} if written or failed else {}
    report({**document, **more}, as_json, *shown)
    for name, path in written.items():
        notice(f"{name}: {path}")
    for reason in failed.values():
        notice(f"error: {reason}")
    if failed:
        raise typer.Exit(EXIT_FAILED)


def notice(text: str) -> None:
    """Print a line on stderr."""
    _console(stderr=True, soft_wrap=True).print(text)


def give_up_output() -> None:
    """Discard all further output to stdout and stderr, with the output that is still buffered."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class ConsoleProgress:
    """Shows progress on stderr: steps done of the total, rate and time left. See Progress."""

    @contextlib.contextmanager
    def task(self, name: str, total: int) -> Iterator["ConsoleTask"]:
        """Show a task until the context ends."""
        columns: list[ProgressColumn] = [
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeRemainingColumn(),
        ]
        with Progress(*columns, console=_console(stderr=True)) as shown:
            yield ConsoleTask(shown, shown.add_task(printable(name), total=total))

    def message(self, text: str) -> None:
        """Print a line on stderr."""
        notice(text)


class ConsoleTask:
    """A task on the screen; see scenehash.progress.Task."""

    def __init__(self, shown: Progress, task: TaskID) -> None:
        self._shown, self._task = shown, task

    def plan(self, more: int) -> None:
        """Add steps to the total."""
        task = self._shown.tasks[self._task]
        # Progress.update() would forget the rate with the total.
        task.total, task.finished_time, task.finished_speed = (task.total or 0) + more, None, None

    def advance(self, steps: int) -> None:
        """Count steps as done."""
        self._shown.advance(self._task, steps)


CONSOLE = ConsoleProgress()


class NameCell:
    """A scene's name in a table. A narrow column leaves out its middle: the end tells most."""

    def __init__(self, name: str) -> None:
        self._name = printable(name)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        del console, options
        return Measurement(1, cell_len(self._name))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        del console
        name, room = self._name, options.max_width
        if cell_len(name) > room:
            begin = set_cell_size(name, (room - 1) // 3).rstrip()
            end = name
            while end and cell_len(end) > room - 1 - cell_len(begin):
                end = end[1:]
            name = f"{begin}…{end}"
        yield Text(name)


class FittingTable:
    """A table that leaves out columns on a narrow terminal, and names them.

    rows: cells by column; an empty column is not shown. spare: columns that the table may leave
    out, in this order. names: the column of names, see NameCell; least: the minimum number of
    letters of a name. The table shows all other columns whole.
    """

    def __init__(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        names: str,
        spare: Sequence[str] = (),
        least: int = 16,
    ) -> None:
        shown = [at for at in range(len(columns)) if any(row[at] for row in rows)]
        self._columns = [columns[at] for at in shown]
        self._rows = [[printable(row[at]) for at in shown] for row in rows]
        self._names, self._spare, self._least = names, spare, least

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        del console
        left_out: list[str] = []
        spare = [name for name in self._spare if name in self._columns]
        while spare and self._width(left_out) > options.max_width:
            left_out.append(spare.pop(0))
        yield self._table(left_out)
        if left_out:
            yield Text(f"({', '.join(left_out)}: no room in this terminal; see --json)")

    def _sides(self, left_out: Sequence[str]) -> dict[int, int]:
        """The minimum width of each shown column, by its index."""
        sides = {}
        for at, column in enumerate(self._columns):
            if column not in left_out:
                longest = max(cell_len(row[at]) for row in self._rows)
                own = min(longest, self._least) if column == self._names else longest
                sides[at] = max(own, cell_len(column))
        return sides

    def _width(self, left_out: Sequence[str]) -> int:
        sides = self._sides(left_out).values()
        return sum(sides) + 2 * len(sides)

    def _table(self, left_out: Sequence[str]) -> RenderableType:
        from rich.table import Table

        table = Table(box=None, header_style="bold")
        sides = self._sides(left_out)
        for at, side in sides.items():
            column = self._columns[at]
            table.add_column(column, min_width=side, no_wrap=column != self._names)
        for row in self._rows:
            table.add_row(
                *(
                    NameCell(row[at]) if self._columns[at] == self._names else row[at]
                    for at in sides
                )
            )
        return table


class _EscapingConsole(Console):
    def render_str(self, text: str, **style: Any) -> Text:
        # Rich calls this for every printed string, also for cells of tables.
        return super().render_str(printable(text), **style)


def _console(**settings: Any) -> Console:
    return _EscapingConsole(highlight=False, markup=False, emoji=False, **settings)


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")

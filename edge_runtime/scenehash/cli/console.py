"""What a command prints: results on stdout, everything else on stderr."""

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer
from rich.console import Console, RenderableType
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

# A file or a pipe has no width; lines are cut only where they would be no table any more.
PIPE_WIDTH = 200

EXIT_FAILED = 1
EXIT_SET_ASIDE = 3
EXIT_INTERRUPTED = 130

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def report(document: Mapping[str, object], as_json: bool, *shown: RenderableType) -> None:
    """Print a command's result: the document as JSON, or what is shown to a person instead."""
    if as_json:
        json.dump(document, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        width = None if sys.stdout.isatty() else PIPE_WIDTH
        Console(highlight=False, markup=False, emoji=False, width=width).print(*shown, sep="\n")


def notice(text: str) -> None:
    """Print a line on stderr."""
    Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False).print(text)


class ConsoleProgress:
    """Shows progress on stderr: steps done of the total, rate and time left. See Progress."""

    @contextlib.contextmanager
    def task(self, name: str, total: int) -> Iterator["ConsoleTask"]:
        """Show a task until the context ends."""
        columns: list[ProgressColumn] = [
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeRemainingColumn(),
        ]
        with Progress(*columns, console=Console(stderr=True)) as shown:
            yield ConsoleTask(shown, shown.add_task(name, total=total))

    def message(self, text: str) -> None:
        """Print a line on stderr."""
        notice(text)


class ConsoleTask:
    """A task on the screen; see scenehash.progress.Task."""

    def __init__(self, shown: Progress, task: TaskID) -> None:
        self._shown, self._task = shown, task

    def plan(self, more: int) -> None:
        """Add steps to the total."""
        total = self._shown.tasks[self._task].total or 0
        self._shown.update(self._task, total=total + more)

    def advance(self, steps: int) -> None:
        """Count steps as done."""
        self._shown.advance(self._task, steps)


CONSOLE = ConsoleProgress()


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")

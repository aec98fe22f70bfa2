"""Progress of long work: library functions report to a Progress, and never print."""

import contextlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Task(Protocol):
    """One piece of long work, counted in steps."""

    def plan(self, more: int, /) -> None:
        """Add steps to the total."""

    def advance(self, steps: int, /) -> None:
        """Count steps as done."""


class Progress(Protocol):
    """Shows tasks and messages to a person."""

    def task(self, name: str, total: int) -> AbstractContextManager[Task]:
        """Begin a task with this number of steps; it ends with the context."""

    def message(self, text: str) -> None:
        """Show a line."""


class _Silent:
    @contextlib.contextmanager
    def task(self, name: str, total: int) -> Iterator[Task]:
        del name, total
        yield self

    def message(self, text: str) -> None:
        del text

    def plan(self, more: int) -> None:
        del more

    def advance(self, steps: int) -> None:
        del steps


SILENT: Progress = _Silent()


def track(items: Iterable[Item], total: int, name: str, progress: Progress) -> Iterator[Item]:
    """Pass items on, and count each as a step of a task."""
    with progress.task(name, total) as task:
        for item in items:
            yield item
            task.advance(1)

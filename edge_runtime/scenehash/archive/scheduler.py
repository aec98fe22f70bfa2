"""The interface of a scheduler: tasks go in, and their outcomes come out, in any order."""

from contextlib import AbstractContextManager
from typing import Protocol

from .work import Outcome, Task

# A task fails after this many ends of its worker, since it may be the cause.
MOST_ENDED = 3
ENDED = "the process that hashed it ended {} times: killed, or out of memory"


class Scheduler(AbstractContextManager["Scheduler", None], Protocol):
    """Runs run_task for tasks, each at least once."""

    def room(self) -> int:
        """The number of tasks that it can use now."""

    def submit(self, task: Task) -> None:
        """Take a task, after a call of room."""

    def finished(self, seconds: float) -> list[tuple[Task, Outcome]]:
        """Finished tasks, each once; waits at most this long for the first."""

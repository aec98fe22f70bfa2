"""What a scheduler does: tasks go in, and what became of them comes out, in any order."""

from contextlib import AbstractContextManager
from typing import Protocol

from .work import Outcome, Task

# A task whose worker has ended so many times is given up: it may be what ends them.
MOST_ENDED = 3
ENDED = "the process that hashed it ended {} times: killed, or out of memory"


class Scheduler(AbstractContextManager["Scheduler", None], Protocol):
    """Runs run_task for tasks, each at least once."""

    def room(self) -> int:
        """How many more tasks it is of use to submit now."""

    def submit(self, task: Task) -> None:
        """Take a task; room was asked for."""

    def finished(self, seconds: float) -> list[tuple[Task, Outcome]]:
        """Tasks that are done, each once; waits so long for the first."""

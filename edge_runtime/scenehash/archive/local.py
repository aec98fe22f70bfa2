"""The local scheduler: processes of this machine, each with its own model.

It uses processes instead of threads: a file that crashes its reader stops no other task.
"""

import os
import socket
import subprocess
import sys
from collections import Counter, deque
from multiprocessing.connection import Connection, wait
from tempfile import TemporaryDirectory

from .scheduler import ENDED, MOST_ENDED
from .work import Outcome, Task

# A worker already has its next task when it ends one.
TASKS_EACH = 2
WORKER = "scenehash.archive.worker"


class LocalScheduler:
    """Runs tasks in this many processes; see Scheduler. A process that ends is replaced."""

    def __init__(self, workers: int) -> None:
        self._workers: list[_Worker] = []
        self._count = workers
        self._ended: Counter[tuple[str, int]] = Counter()
        self._lost: list[tuple[Task, Outcome]] = []

    def __enter__(self) -> "LocalScheduler":
        # The end of the run removes the downloads of a killed worker.
        self._folder = TemporaryDirectory(prefix="scenehash-")
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        self._folder.cleanup()

    def room(self) -> int:
        return self._count * TASKS_EACH - sum(len(worker.tasks) for worker in self._workers)

    def submit(self, task: Task) -> None:
        least = min(self._workers, key=lambda worker: len(worker.tasks), default=None)
        if least is None or (least.tasks and len(self._workers) < self._count):
            least = _Worker(self._folder.name)
            self._workers.append(least)
        if not least.take(task):
            self._replace(least)

    def finished(self, seconds: float) -> list[tuple[Task, Outcome]]:
        busy = {worker.connection: worker for worker in self._workers if worker.tasks}
        done: list[tuple[Task, Outcome]] = []
        for connection in wait(list(busy), 0 if self._lost else seconds):
            worker = busy[connection]  # type: ignore[index]
            try:
                outcome = worker.connection.recv()
            except (EOFError, OSError):
                self._replace(worker)
            else:
                done.append((worker.tasks.popleft(), outcome))
        lost, self._lost = self._lost, []
        return done + lost

    def _replace(self, worker: "_Worker") -> None:
        """End a worker that does not answer; the first of its tasks may be the cause."""
        self._workers.remove(worker)
        worker.end()
        for number, task in enumerate(worker.tasks):
            if number == 0:
                self._ended[task.key] += 1
            if self._ended[task.key] >= MOST_ENDED:
                self._lost.append((task, Outcome(reason=ENDED.format(MOST_ENDED))))
            else:
                self.submit(task)


class _Worker:
    """A process that does tasks one after another; tasks: its tasks, in their order."""

    def __init__(self, folder: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", WORKER, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # The process of the run handles Ctrl-C, and ends the workers.
                start_new_session=True,
                env=os.environ
                | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": folder},
            )
        self.connection = Connection(ours.detach())
        self.tasks: deque[Task] = deque()

    def take(self, task: Task) -> bool:
        """Give the process a task, which then belongs to it; returns whether it arrived."""
        self.tasks.append(task)
        try:
            self.connection.send(task)
        except OSError:
            return False
        return True

    def end(self) -> None:
        """End the process at once."""
        self.connection.close()
        self._process.kill()
        self._process.wait()

"""The scheduler of a Dask cluster (the extra cluster): workers on many machines.

Dask gives the tasks of a lost worker to another one. This module submits again the tasks that a
restarted scheduler has lost.
"""

import contextlib
import itertools
import logging
import queue
import time
from typing import Any

from scenehash.errors import ArchiveError, extra_needed
from scenehash.progress import Progress

from .scheduler import ENDED
from .work import Outcome, Task, run_task

with extra_needed("cluster"):
    import distributed

Key = tuple[str, int]

TASKS_A_THREAD = 2
# The number of waiting tasks at the scheduler while no workers are known.
LEAST_ROOM = 16
# Seconds to wait for a scheduler that does not answer, since somebody may restart it.
WAIT_SECONDS = 600.0
CONNECT_SECONDS, RESULT_SECONDS, LOOK_SECONDS = 10.0, 10.0, 2.0
# Dask gives a task up after its workers have ended four times. It may have been the others on
# these workers, so that it gets a second turn.
MOST_GIVEN_UP = 2


class ClusterScheduler:
    """Runs tasks on the workers of a Dask scheduler at an address; see Scheduler.

    Workers need scenehash, and the archive's folder at the same path. Raises ArchiveError when no
    scheduler answers for WAIT_SECONDS, MissingExtraError without distributed.
    """

    def __init__(self, address: str, progress: Progress) -> None:
        self._address, self._progress = address, progress
        self._client: Any = None
        self._tasks: dict[Key, Task] = {}
        self._futures: dict[Key, Any] = {}
        self._ended: queue.Queue[tuple[Key, Any]] = queue.Queue()
        self._given_up: dict[Key, int] = {}
        self._numbers = itertools.count()
        self._threads, self._looked = 0, -LOOK_SECONDS

    def __enter__(self) -> "ClusterScheduler":
        # It would print tracebacks of lost connections; this module reports what matters.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        self._connect(CONNECT_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def room(self) -> int:
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            with contextlib.suppress(OSError, RuntimeError, KeyError, TimeoutError):
                self._threads = sum(self._client.nthreads().values())
        return max(LEAST_ROOM, TASKS_A_THREAD * self._threads) - len(self._tasks)

    def submit(self, task: Task) -> None:
        self._tasks[task.key] = task
        self._send(task)

    def finished(self, seconds: float) -> list[tuple[Task, Outcome]]:
        done = []
        for key, future in self._taken(seconds):
            if self._futures.get(key) is not future:
                continue  # it was submitted again since
            outcome = self._outcome(key, future)
            if outcome is not None:
                del self._futures[key]
                done.append((self._tasks.pop(key), outcome))
        if self._client.status != "running":
            self._reconnect()
        return done

    def _taken(self, seconds: float) -> list[tuple[Key, Any]]:
        """Futures that have ended; waits at most this long for the first."""
        taken = []
        with contextlib.suppress(queue.Empty):
            taken.append(self._ended.get(timeout=seconds))
            while True:
                taken.append(self._ended.get_nowait())
        return taken

    def _outcome(self, key: Key, future: Any) -> Outcome | None:
        """The outcome of a task; None: it is unknown, and the task was submitted again."""
        try:
            outcome = future.result(timeout=RESULT_SECONDS)
        except distributed.KilledWorker:
            self._given_up[key] = self._given_up.get(key, 0) + 1
            if self._given_up[key] >= MOST_GIVEN_UP:
                return Outcome(reason=ENDED.format("several"))
        except (distributed.CancelledError, distributed.TimeoutError, OSError):
            pass  # the scheduler is gone, or the worker with the outcome
        except Exception as error:  # of another version of scenehash, or none, at the worker
            text = " ".join(str(error).split())[:200]
            reason = f"a worker failed ({type(error).__name__}: {text})"
            return Outcome(reason=reason, is_passing=True)
        else:
            assert isinstance(outcome, Outcome)
            return outcome
        self._send(self._tasks[key])
        return None

    def _send(self, task: Task) -> None:
        name = f"scenehash-{next(self._numbers)}-{time.time_ns()}"
        try:
            future = self._client.submit(run_task, task, key=name, pure=False)
        except (OSError, RuntimeError):
            return  # the client is gone: _reconnect submits the task
        self._futures[task.key] = future
        future.add_done_callback(lambda ended: self._ended.put((task.key, ended)))

    def _connect(self, seconds: float) -> None:
        client: Any = distributed.Client
        try:
            self._client = client(
                self._address, timeout=seconds, set_as_default=False, name="scenehash"
            )
        except (OSError, ValueError, TimeoutError) as error:
            text = " ".join(str(error).split())[:200]
            raise ArchiveError(
                f"--scheduler {self._address}: no Dask scheduler answers there ({text})"
            ) from error

    def _reconnect(self) -> None:
        """Connect to a restarted scheduler, and submit the tasks that it does not know."""
        self._progress.message(f"{self._address}: the scheduler does not answer; waiting for it")
        until = time.monotonic() + WAIT_SECONDS
        while True:
            self._leave()
            try:
                self._connect(CONNECT_SECONDS)
                break
            except ArchiveError:
                if time.monotonic() > until:
                    raise
                time.sleep(1.0)
        self._futures = {}
        for task in self._tasks.values():
            self._send(task)

    def _leave(self) -> None:
        with contextlib.suppress(Exception):  # the rest of a broken connection may raise anything
            self._client.close(timeout=1.0)

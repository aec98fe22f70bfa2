"""The jobs of a server: done one after another, with their progress.

They are stored in a file. A job that had not ended when the server ended waits again at the next
start, and continues as far as its work can.
"""

import contextlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scenehash.errors import NotStoredError, StoreBusyError
from scenehash.printable import printable
from scenehash.progress import Progress

from .job import Job
from .job_file import JobFile
from .problems import document_of

# The limits of waiting and of remembered jobs, and of messages per job.
MOST_WAITING, MOST_KEPT, MOST_MESSAGES = 100, 200, 100
# After this many unexpected ends of the server, a job is not begun again.
MOST_BEGUN = 3

# The function of a kind of job: from arguments to the document of the same command.
Work = Callable[[Mapping[str, Any], Progress], Mapping[str, object]]


class Jobs:
    """Jobs of a store, done in a thread in the order of their arrival.

    path: the file for them; while another server holds it, jobs are lost when this server ends.
    works: the function of each kind. log: called with each line for a person.
    """

    def __init__(self, path: Path, works: Mapping[str, Work], log: Callable[[str], None]) -> None:
        self._works, self._log = works, log
        self._file = JobFile(path, log)
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._changed = threading.Condition()
        self._closing = False

    def start(self) -> None:
        """Begin, with the jobs of the last server."""
        with self._changed:
            for job in self._file.read():
                _take_over(job)
                self._jobs[job.id] = job
            self._file.write(self._jobs.values())
        threading.Thread(target=self._run, name="jobs", daemon=True).start()

    def add(self, kind: str, arguments: Mapping[str, Any] | None = None) -> Job:
        """Queue a job; if the same job waits or runs, return that job.

        StoreBusyError when too many jobs wait.
        """
        own = dict(arguments or {})
        with self._changed:
            active = [job for job in self._jobs.values() if job.is_active]
            for job in active:
                if (job.kind, job.arguments) == (kind, own):
                    return job
            if len(active) > MOST_WAITING:
                raise StoreBusyError(f"{MOST_WAITING} jobs wait already; try again")
            job = Job(id=secrets.token_hex(8), kind=kind, arguments=own)
            self._jobs[job.id] = job
            for number in list(self._jobs)[: max(0, len(self._jobs) - MOST_KEPT)]:
                if self._jobs[number].ended is not None:
                    del self._jobs[number]
            self._file.write(self._jobs.values())
            self._changed.notify()
        return job

    def list(self) -> list[Job]:
        """All jobs, the newest first."""
        with self._changed:
            return list(reversed(self._jobs.values()))

    def get(self, number: str) -> Job:
        """The job with an id; NotStoredError when there is none."""
        with self._changed:
            if number not in self._jobs:
                raise NotStoredError(f"job {number}: no job has that id")
            return self._jobs[number]

    def cancel(self, number: str) -> Job:
        """End a job: at once if it waits, otherwise at its next step.

        Its committed work is kept.
        """
        job = self.get(number)
        with self._changed:
            if job.state == "waiting":
                job.end("cancelled")
            elif job.state == "running":
                job.state = "cancelling"
                job.stop.set()
            self._file.write(self._jobs.values())
        return job

    def close(self) -> None:
        """End the present job at its next step; it waits for the next start of a server."""
        with self._changed:
            self._closing = True
            for job in self._jobs.values():
                job.stop.set()
                job.begun -= job.state == "running"
            self._file.write(self._jobs.values())
            self._file.close()
            self._changed.notify()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                job.result = self._works[job.kind](job.arguments, _JobProgress(job))
                job.end("done")
            except _StopError:
                if not self._closing:
                    job.end("cancelled")
            except Exception as error:  # a failing job must not end other jobs
                job.error = document_of(error)
                job.end("failed")
                self._log(f"{job.kind}: {printable(str(error))}")
            with self._changed:
                self._file.write(self._jobs.values())

    def _next(self) -> Job | None:
        """Begin the next waiting job; None when the server ends."""

        def waiting() -> Job | None:
            return next((job for job in self._jobs.values() if job.state == "waiting"), None)

        with self._changed:
            self._changed.wait_for(lambda: self._closing or waiting() is not None)
            job = waiting()
            if self._closing or job is None:
                return None
            job.started, job.state, job.begun = datetime.now(UTC), "running", job.begun + 1
            self._file.write(self._jobs.values())
            return job


class _StopError(BaseException):
    """Raised in a job that must end; no other code treats it as its own error."""


class _JobProgress:
    """The progress of a job; each step may end the job."""

    def __init__(self, job: Job) -> None:
        self._job = job

    @contextlib.contextmanager
    def task(self, name: str, total: int) -> Iterator["_JobProgress"]:
        """See Progress."""
        self._stop_if_asked()
        self._job.task, self._job.done, self._job.total = name, 0, total
        yield self

    def message(self, text: str) -> None:
        """See Progress."""
        self._job.messages = [*self._job.messages, printable(text)][-MOST_MESSAGES:]

    def plan(self, more: int) -> None:
        """See Task."""
        self._job.total += more

    def advance(self, steps: int) -> None:
        """See Task."""
        self._job.done += steps
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self._job.stop.is_set():
            raise _StopError


def _take_over(job: Job) -> None:
    """An unfinished job of the last server, which waits again."""
    if job.state == "cancelling":
        job.end("cancelled")
    elif job.is_active and job.begun >= MOST_BEGUN:
        reason = f"the server ended {job.begun} times during this job, and does not restart it"
        job.error = document_of(StoreBusyError(reason))
        job.end("failed")
    elif job.is_active:
        job.state = "waiting"

"""Jobs: work that takes longer than a request, one after another, with its progress."""

import contextlib
import queue
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scenehash.errors import NotStoredError, StoreBusyError
from scenehash.files import printable
from scenehash.progress import Progress

from .problems import document_of

# Jobs that wait, and that are remembered.
MOST_WAITING, MOST_KEPT = 100, 200

Work = Callable[[Progress], Mapping[str, object]]


@dataclass
class Job:
    """A piece of work; state: waiting, running, done or failed.

    task: what is being done, done of total steps. result: the document of the command that does the
    same. error: a problem document.
    """

    id: str
    kind: str
    state: str = "waiting"
    task: str | None = None
    done: int = 0
    total: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    messages: list[str] = field(default_factory=list)
    result: Mapping[str, object] | None = None
    error: Mapping[str, object] | None = None

    def document(self) -> dict[str, object]:
        """The job as plain values, as JSON has them."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "task": self.task,
            "done": self.done,
            "total": self.total,
            "started": None if self.started is None else self.started.isoformat(),
            "ended": None if self.ended is None else self.ended.isoformat(),
            "messages": list(self.messages),
            "result": self.result,
            "error": self.error,
        }


class Jobs:
    """Jobs of this process, done in a thread in the order in which they came."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._waiting: queue.Queue[tuple[Job, Work] | None] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def add(self, kind: str, work: Work) -> Job:
        """Queue work; StoreBusyError when too much waits already."""
        job = Job(secrets.token_hex(8), kind)
        try:
            self._waiting.put_nowait((job, work))
        except queue.Full as error:
            raise StoreBusyError(f"{MOST_WAITING} jobs wait already; try again") from error
        with self._lock:
            self._jobs[job.id] = job
            for number in list(self._jobs)[: max(0, len(self._jobs) - MOST_KEPT)]:
                if self._jobs[number].ended is not None:
                    del self._jobs[number]
        return job

    def list(self) -> list[Job]:
        """All jobs, the newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def get(self, number: str) -> Job:
        """The job of an id; NotStoredError when there is none."""
        with self._lock:
            if number not in self._jobs:
                raise NotStoredError(f"job {printable(number)}: there is none of that id")
            return self._jobs[number]

    def close(self) -> None:
        """End after the job in hand; it is not waited for: what it has committed is kept."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        self._waiting.put(None)

    def _run(self) -> None:
        while (found := self._waiting.get()) is not None:
            job, work = found
            job.started, job.state = datetime.now(UTC), "running"
            try:
                job.result = work(_JobProgress(job))
                job.state = "done"
            except Exception as error:  # a job may fail in any way, and ends no other
                job.error, job.state = document_of(error), "failed"
                self._log(f"{job.kind}: {printable(str(error))}")
            job.ended = datetime.now(UTC)


class _JobProgress:
    """Progress that a job shows."""

    def __init__(self, job: Job) -> None:
        self._job = job

    @contextlib.contextmanager
    def task(self, name: str, total: int) -> Iterator["_JobProgress"]:
        """See Progress."""
        self._job.task, self._job.done, self._job.total = name, 0, total
        yield self

    def message(self, text: str) -> None:
        """See Progress."""
        self._job.messages.append(printable(text))

    def plan(self, more: int) -> None:
        """See Task."""
        self._job.total += more

    def advance(self, steps: int) -> None:
        """See Task."""
        self._job.done += steps

"""jobs.json: the jobs of a store's server, which it keeps across restarts."""

import fcntl
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from scenehash.errors import InputError
from scenehash.files import read_regular, write_text

from .job import Job

MOST_BYTES = 64_000_000


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid")

    jobs: list[Job]


class JobFile:
    """A file of jobs, which one server holds at a time.

    log: called with each line for a person.
    """

    def __init__(self, path: Path, log: Callable[[str], None]) -> None:
        self._path, self._log = path, log
        self._lock: IO[bytes] | None = None
        self._is_ours: bool | None = None

    def read(self) -> Sequence[Job]:
        """The jobs in the file; none while another server holds it."""
        if not self._path.exists() or not self._take():
            return []
        try:
            return _Content.model_validate_json(read_regular(self._path, MOST_BYTES)).jobs
        except (InputError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            self._log(f"{self._path}: not a file of jobs; the server starts a new one ({reason})")
            return []

    def write(self, jobs: Iterable[Job]) -> None:
        """Write the whole file, unless another server holds it; errors are logged."""
        content = _Content(jobs=list(jobs))
        if not content.jobs or not self._take():
            return
        try:
            write_text(self._path, content.model_dump_json() + "\n")
        except InputError as error:
            self._log(str(error))

    def close(self) -> None:
        """Release the file for another server."""
        self._is_ours = False
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take(self) -> bool:
        """Take the file at the first read or write."""
        if self._is_ours is None:
            try:
                self._path.parent.mkdir(exist_ok=True)
                self._lock = self._path.with_suffix(".lock").open("ab")
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._is_ours = True
            except OSError as error:
                self.close()
                reason = f"jobs are forgotten when this server ends ({error.strerror})"
                self._log(f"{self._path}: {reason}")
        return bool(self._is_ours)

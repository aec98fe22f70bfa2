"""The audit log: a line of JSON for each request that may change something, or lacked a token."""

import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from .access import Caller

ROTATE_BYTES = 10_000_000


class Audit:
    """Appends to a file, which is renamed to FILE.1 before it becomes too large.

    log: called with a line when the file cannot be written.
    """

    def __init__(self, path: Path, log: Callable[[str], None]) -> None:
        self._path, self._log = path, log
        self._lock = threading.Lock()

    def note(self, caller: Caller, address: str, method: str, path: str, status: int) -> None:
        """Write a line, flushed to the disk."""
        document = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "token": caller.name,
            "address": address,
            "method": method,
            "path": path,
            "status": status,
        }
        # Only ASCII: a path may contain control characters.
        line = json.dumps(document).encode() + b"\n"
        try:
            with self._lock:
                self._append(line)
        except OSError as error:
            self._log(f"{self._path}: the audit log cannot be written ({error.strerror})")

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(exist_ok=True)
        if self._path.exists() and self._path.stat().st_size + len(line) > ROTATE_BYTES:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        opened = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(opened, line)
            os.fsync(opened)
        finally:
            os.close(opened)

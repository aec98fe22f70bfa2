"""Files that are written whole or not at all."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from .errors import InputError

PARTIAL = ".partial"


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside a path, of which the file takes that path's place at the end.

    It is on the disk, with its name, when the context ends; when an error ends it, whatever was at
    the path is as it was. OSError when it cannot be written. A kill may leave the temporary file:
    hidden, and ending in PARTIAL.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}{PARTIAL}")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
        flush_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def flush_folder(path: Path) -> None:
    """Make the names of new files in a folder durable, not only their contents."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, whole or not at all; InputError when it cannot be written."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all; InputError when it cannot be written."""
    try:
        with atomic_path(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error

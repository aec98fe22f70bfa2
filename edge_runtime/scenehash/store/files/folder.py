"""The folder of a store: its allowed contents, and the lock of its writer."""

import contextlib
import fcntl
from pathlib import Path
from typing import IO

from scenehash.errors import StoreBusyError, StoreError
from scenehash.files import PARTIAL, flush_folder

from .codes_file import CODES

CATALOG, LOCK, INDEX = "catalog.sqlite", "writer.lock", "index"


def make_folder(path: Path) -> None:
    """Make the folder of a new store; StoreError when it holds something else."""
    try:
        make_durably(path)
        strangers = {entry.name for entry in path.iterdir()} - {LOCK, CODES}
        orphaned = (path / CODES).is_file() and (path / CODES).stat().st_size > 0
    except OSError as error:
        raise StoreError(f"{path}: cannot be made a store ({error.strerror})") from error
    if not all(name.startswith(CATALOG) or _is_unfinished(name) for name in strangers):
        raise StoreError(
            f"{path}: not a scenehash store, and not empty; choose another folder for the store"
        )
    if orphaned:
        raise StoreError(
            f"{path}: {CODES} holds codes, but {CATALOG} is missing or empty; restore it from a "
            "backup, or choose another folder for the store"
        )


def _is_unfinished(name: str) -> bool:
    """Whether a process that makes the store writes the file, or was killed while it did."""
    return name.startswith(f".{CODES}.") and name.endswith(PARTIAL)


def make_durably(path: Path) -> None:
    """Make a folder, and the folders above it, so that a power cut loses none of them."""
    if path.is_dir():
        return
    if not path.parent.is_dir():
        make_durably(path.parent)
    path.mkdir(exist_ok=True)
    flush_folder(path.parent)


def lock(path: Path, wait: bool) -> IO[bytes]:
    """Become the only writer of a store, until the returned file is closed.

    wait: wait while another process writes; without it, StoreBusyError at once.
    """
    with contextlib.ExitStack() as undo:
        try:
            file = undo.enter_context((path / LOCK).open("ab"))
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBusyError(
                f"{path}: another process is writing to this store; try again when it has "
                "finished, or wait for it with --wait"
            ) from error
        except OSError as error:
            raise StoreError(
                f"{path}: the store cannot be written to ({error.strerror}); "
                "change the permissions of its folder, or choose another store"
            ) from error
        undo.pop_all()
    return file

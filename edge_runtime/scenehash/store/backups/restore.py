"""Restoring a store from a backup: complete, with one rename, or not at all."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scenehash.errors import StoreBusyError, StoreError
from scenehash.files import flush_folder
from scenehash.progress import SILENT, Progress

from ..catalog.catalog import Catalog, Restoration
from ..files.earlier import earlier_paths
from ..files.folder import CATALOG, LOCK, lock, make_durably
from ..store import CodeStore
from .backup_file import BLOCK, BackupFile, Kept

SUFFIX = ".restoring"
# The free disk space that must remain after a restore.
SPARE_BYTES = 10_000_000


@dataclass(frozen=True)
class Restored:
    """A restored store.

    newer: the number of later backups in the file. damage: a line for each damage that the store
    had at the time of the backup.
    """

    store: Path
    kept: Kept
    newer: int
    damage: Sequence[str]

    @property
    def unknown(self) -> str:
        """The data that the store lacks, in a line for a person."""
        moment = self.kept.moment
        later = f" ({self.newer} later in the file)" if self.newer else ""
        return (
            f"{self.store}: has the state of {moment.taken}, backup {self.kept.number}{later}: it "
            f"lacks all later data: rows from {moment.rows:,} on, and events after "
            f"{moment.events:,}, if there were any; ingest those scenes again"
        )

    def document(self) -> dict[str, object]:
        """The result as plain values for JSON."""
        return {
            "store": str(self.store),
            "backup": self.kept.document(),
            "newer": self.newer,
            "unknown": self.unknown,
            "damage": list(self.damage),
        }


def list_backups(file: str | Path, verify: bool = False) -> list[Kept]:
    """The backups in a file, the oldest first.

    verify: read all of them, and compare. Raises StoreError, or StoreDamagedError with the damage.
    """
    with BackupFile.reading(Path(file)) as backup:
        found = [backup.read(number) for number in backup.numbers()]
        for kept in found if verify else ():
            for one in kept.files:
                for _ in backup.blocks(one):
                    pass
    return found


def restore(
    file: str | Path,
    to: str | Path,
    number: int | None = None,
    now: datetime | None = None,
    progress: Progress = SILENT,
) -> Restored:
    """Restore a store from a backup; number: its number, None: the newest.

    to: a folder that does not exist or is empty. The function writes and reads back all files next
    to it, flushes them to the disk, and then renames once: after a kill or a power cut at any
    instant, the store is complete or absent. The store remembers its restoration, see
    CodeStore.restorations; a watch numbers its events after those that its sinks have.

    Raises StoreError when the folder is not empty or cannot be written, NotStoredError when there
    is no such backup, StoreDamagedError when the backup is damaged: it then restores nothing.
    """
    target = Path(to)
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise StoreError(
            f"{target}: exists and is not empty; move it away, or choose another folder"
        )
    with BackupFile.reading(Path(file)) as backup:
        numbers = backup.numbers()
        if not numbers:
            raise StoreError(f"{file}: has no backup yet; the first was interrupted")
        kept = backup.read(numbers[-1] if number is None else number)
        with _folder_beside(target) as work:
            _check_room(work, kept)
            _write(backup, kept, work, progress)
            damage = _note(work, kept, (now or datetime.now(UTC)).isoformat(timespec="seconds"))
            _flush(work)
            try:
                work.rename(target)
                flush_folder(target.absolute().parent)
            except OSError as error:
                raise StoreError(f"{target}: cannot be made ({error.strerror})") from error
    later = sum(other > kept.number for other in numbers)
    return Restored(target, kept, later, damage)


@contextlib.contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """An empty folder next to a target, for this process alone.

    Removes the remains of a killed process.
    """
    work = target.absolute().with_name(f".{target.absolute().name}{SUFFIX}")
    try:
        make_durably(work)
        with lock(work, wait=False):
            _clear(work)
            try:
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except StoreBusyError as error:
        raise StoreBusyError(f"{target}: another process is restoring to it; try again") from error
    except OSError as error:
        raise StoreError(
            f"{target}: the store cannot be restored there ({error.strerror})"
        ) from error


def _clear(work: Path) -> None:
    for entry in work.iterdir():
        if entry.name != LOCK:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _check_room(work: Path, kept: Kept) -> None:
    free = shutil.disk_usage(work).free
    if kept.size + SPARE_BYTES > free:
        raise StoreError(
            f"{work.parent}: the backup says that it has {kept.size:,} bytes, and {free:,} are "
            "free; make room, or choose another disk"
        )


def _write(backup: BackupFile, kept: Kept, work: Path, progress: Progress) -> None:
    blocks = sum(len(file.blocks) for file in kept.files)
    with progress.task(f"restore, in blocks of {BLOCK >> 10} KiB", blocks) as task:
        for file in kept.files:
            path = work / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as out:
                for data in backup.blocks(file):
                    out.write(data)
                    task.advance(1)


def _note(work: Path, kept: Kept, now: str) -> list[str]:
    """Record the restoration in the stores; returns their damage."""
    moment = kept.moment
    restoration = Restoration(
        secrets.token_hex(8), moment.taken, now, moment.commits, moment.rows, moment.events
    )
    with (
        contextlib.closing(Catalog.open(work / CATALOG, writable=True)) as catalog,
        catalog.database.transaction(),
    ):
        catalog.note_restoration(restoration)
    damage = []
    for path in (work, *earlier_paths(work)):
        with CodeStore.open(path) as store:
            damage += store.verify()
    return damage


def _flush(folder: Path) -> None:
    """Flush all files of a folder, and their names, to the disk."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            flush_folder(path)
            continue
        with path.open("rb") as file:
            os.fsync(file.fileno())
    flush_folder(folder)

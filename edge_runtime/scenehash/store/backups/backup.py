"""A backup of a store in use: the complete committed state of one moment.

SQLite's online backup copies the catalog at one commit, while a writer continues. The codes of that
commit are the first codes of codes.bin, which only grows. Thumbnails and representations are copied
after the catalog: only those of scenes that were deleted and compacted in between may be missing. A
compaction does not change a codes file that is open. A repair, which overwrites codes, and a change
of the model change a number in the catalog: if it has changed, the backup begins again, and finds
most blocks already written.
"""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from scenehash.errors import StoreBusyError, StoreDamagedError, StoreError
from scenehash.files import PARTIAL, is_special
from scenehash.progress import SILENT, Progress

from ..catalog.catalog import Catalog
from ..catalog.database import copy_database
from ..catalog.outbox import Outbox
from ..catalog.state import State
from ..files.codes_file import CodesFile
from ..files.earlier import EARLIER, earlier_paths
from ..files.folder import CATALOG
from ..files.model_file import sound_model
from ..files.opening import check_is_store
from ..files.thumbnails import THUMBNAILS
from ..files.vectors import VECTORS
from .backup_file import BLOCK, GROUP, SUFFIX, BackupFile, Kept, KeptFile, Moment

# The number of backups in a backup file.
KEPT = 10
TRIES = 5


@dataclass(frozen=True)
class BackedUp:
    """A new backup.

    written: bytes of new blocks; the file had all other blocks. left_out: a line for each derived
    file that could not be read.
    """

    file: Path
    kept: Kept
    written: int
    left_out: Sequence[str]

    def document(self) -> dict[str, object]:
        """The result as plain values for JSON."""
        return {
            "file": str(self.file),
            **self.kept.document(),
            "written": self.written,
            "left_out": list(self.left_out),
        }


class Version(NamedTuple):
    """Numbers that change with all changes of a store except new scenes.

    generation: changes with each file of codes. rewritten: changes when codes are overwritten, when
    the model changes, or when stores of earlier models change.
    """

    generation: int
    rewritten: Sequence[tuple[object, ...]]


@dataclass(frozen=True)
class Source:
    """A file to back up: its name in the store, and its committed size."""

    name: str
    file: IO[bytes]
    size: int


def back_up(
    store: str | Path,
    to: str | Path,
    keep: int = KEPT,
    now: datetime | None = None,
    progress: Progress = SILENT,
) -> BackedUp:
    """Add a backup of a store to a backup file, also while another process writes to the store.

    to: the file, which the function makes if it does not exist; or a folder, for a file in it with
    the store's name and the suffix .backup. keep: the number of newest backups that the file keeps.
    The function reads written data back and compares it. After a kill at any instant, the file has
    its earlier backups, and the next call continues.

    Raises StoreError when the store cannot be read or the file cannot be written, or holds another
    store's backups; StoreBusyError when another process backs up to it; StoreDamagedError when the
    disk returns other bytes than were written, or the whole catalog is damaged.
    """
    folder = Path(store)
    check_is_store(folder)
    file = _backup_path(folder, Path(to))
    taken = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    with BackupFile.writing(file) as backup, _work_folder(file) as work:
        for _ in range(TRIES):
            before = _version(folder)
            try:
                with _sources(folder, work, taken) as (moment, sources, left_out):
                    _check_same_store(backup, moment)
                    kept, written = _write(backup, sources, progress)
            except StoreDamagedError:
                # A compaction may have removed the file of codes since the catalog was read.
                if _version(folder).generation == before.generation:
                    raise
                continue
            if _version(folder).rewritten == before.rewritten:
                done = backup.add(moment, kept, max(keep, 1))
                return BackedUp(file, done, written, left_out)
    raise StoreBusyError(
        f"{folder}: the store changes faster than it can be copied; try again later"
    )


def _backup_path(folder: Path, to: Path) -> Path:
    file = to / f"{folder.resolve().name}{SUFFIX}" if to.is_dir() else to
    if folder.resolve() in file.resolve().parents:
        raise StoreError(f"{file}: lies inside the store; choose a file outside it")
    if file.is_dir():
        raise StoreError(f"{file}: is a folder; choose a file")
    if is_special(file):
        raise StoreError(f"{file}: is a pipe or a device; choose a file")
    if not file.parent.is_dir():
        raise StoreError(f"{file}: there is no folder {file.parent}; make it first")
    return file


@contextlib.contextmanager
def _work_folder(file: Path) -> Iterator[Path]:
    """An empty folder next to a backup file; removes the remains of a killed process."""
    work = file.with_name(f".{file.name}{PARTIAL}")
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        yield work
    except OSError as error:
        raise StoreError(f"{file}: the backup cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _version(folder: Path) -> Version:
    generation, rewritten = 0, list[tuple[object, ...]]()
    for path in (folder, *earlier_paths(folder)):
        with contextlib.closing(Catalog.open(path / CATALOG, writable=False)) as catalog:
            state = catalog.committed().state
        rewritten.append((path.name, state.uuid, state.lineage, state.bits, state.revision))
        if path == folder:
            generation = state.generation
        else:
            rewritten.append((state.commits,))
    return Version(generation, rewritten)


def _check_same_store(backup: BackupFile, moment: Moment) -> None:
    for number in backup.numbers()[-1:]:
        with contextlib.suppress(StoreDamagedError):
            if backup.read(number).moment.uuid != moment.uuid:
                raise StoreError(
                    f"{backup.path}: holds backups of another store; give another file"
                )


@contextlib.contextmanager
def _sources(
    folder: Path, work: Path, taken: str
) -> Iterator[tuple[Moment, list[Source], list[str]]]:
    """The files of a store and of the stores of earlier models in it, each at one moment."""
    left_out: list[str] = []
    with contextlib.ExitStack() as opened:
        moment, sources = _copies(folder, work, "", taken, left_out, opened)
        for path in earlier_paths(folder):
            inner = work / EARLIER / path.name
            inner.mkdir(parents=True, exist_ok=True)
            prefix = f"{EARLIER}/{path.name}/"
            sources += _copies(path, inner, prefix, taken, left_out, opened)[1]
        yield moment, sources, left_out


def _copies(
    folder: Path,
    work: Path,
    prefix: str,
    taken: str,
    left_out: list[str],
    opened: contextlib.ExitStack,
) -> tuple[Moment, list[Source]]:
    """The committed state of one store, and its files; copies of SQLite files are in work."""
    sources = []

    def take(name: str, path: Path, size: int | None = None) -> None:
        try:
            file = opened.enter_context(path.open("rb"))
        except FileNotFoundError as error:
            raise StoreDamagedError(f"{path}: is gone; see: scenehash store verify") from error
        there = os.fstat(file.fileno()).st_size
        sources.append(Source(prefix + name, file, there if size is None else size))

    (work / CATALOG).unlink(missing_ok=True)
    with (
        contextlib.closing(Catalog.open(folder / CATALOG, writable=False)) as catalog,
        catalog.database.snapshot(),
    ):
        state = catalog.committed().state
        codes = CodesFile(folder, state.bits // 8, state.generation)
        codes.read(state.positions)  # raises StoreDamagedError if there are fewer
        take(codes.path.name, codes.path, state.positions * state.bits // 8)
        catalog.database.copy_to(work / CATALOG)
        moment = _moment(catalog, state, taken)
        identity = catalog.model_id()
        derived = {
            THUMBNAILS: catalog.keeps_thumbnails(),
            VECTORS: catalog.vector_space() is not None,
        }
    take(CATALOG, work / CATALOG)
    if identity is not None and (model := sound_model(folder, identity)) is not None:
        take(model.name, model)
    for name, kept in derived.items():
        (work / name).unlink(missing_ok=True)
        if kept and (folder / name).exists():
            try:
                copy_database(folder / name, work / name)
            except (sqlite3.Error, UnicodeDecodeError, MemoryError) as error:
                left_out.append(f"{folder / name}: cannot be read ({error})")
            else:
                take(name, work / name)
    return moment, sources


def _moment(catalog: Catalog, state: State, taken: str) -> Moment:
    scenes, tiles = catalog.scenes.count()
    events = Outbox(catalog.database, contextlib.nullcontext).newest()
    return Moment(
        uuid=state.uuid,
        lineage=state.lineage,
        bits=state.bits,
        model=state.model,
        taken=taken,
        commits=state.commits,
        rows=state.rows,
        scenes=scenes,
        tiles=tiles,
        events=events,
    )


def _write(
    backup: BackupFile, sources: Sequence[Source], progress: Progress
) -> tuple[list[KeptFile], int]:
    """Store the blocks of files; returns the files, and the number of new bytes."""
    kept, written = [], 0
    blocks = sum(-(-source.size // BLOCK) for source in sources)
    with progress.task("back up, in blocks of 128 KiB", blocks) as task:
        for source in sources:
            digests: list[bytes] = []
            for group in _groups(source):
                own, fresh = backup.store(group)
                digests += own
                written += fresh
                task.advance(len(group))
            kept.append(KeptFile(source.name, source.size, digests))
    return kept, written


def _groups(source: Source) -> Iterator[list[bytes]]:
    """The blocks of a file, in groups; StoreDamagedError when it is shorter than expected."""
    left = source.size
    while left:
        group: list[bytes] = []
        while left and len(group) < GROUP:
            data = source.file.read(min(BLOCK, left))
            if len(data) < min(BLOCK, left):
                raise StoreDamagedError(
                    f"{source.name}: ends too early; see: scenehash store verify"
                )
            group.append(data)
            left -= len(data)
        yield group

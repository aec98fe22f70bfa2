"""The storage of an archive's parts and manifest: a folder, or an address in a bucket.

Files are written atomically and durably.
"""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from scenehash.errors import ArchiveError, InputError
from scenehash.files import PARTIAL, atomic_path, path_from, path_text, read_regular
from scenehash.objects import (
    delete_object,
    describe,
    is_object,
    list_objects,
    read_object,
    write_object,
)

MODEL, MANIFEST, PARTS = "model.onnx", "manifest.json", "parts/*/[!.]*.parquet"
LOCK = ".lock"
# The age of incomplete files that only killed processes leave.
STALE_SECONDS = 600.0


class Storage(Protocol):
    """Files by their names, such as "parts/1f/name.parquet"."""

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""

    def read(self, name: str, most: int) -> bytes:
        """Its bytes, at most this many; ArchiveError, FetchError."""

    def write(self, name: str, data: bytes) -> None:
        """Write it atomically; ArchiveError, FetchError when it cannot be written."""

    def delete(self, name: str) -> None:
        """Delete it, if it exists."""

    def parts(self) -> set[str]:
        """The names of all parts."""

    def is_vacant(self) -> bool:
        """Whether it has no files at all."""

    def sweep(self) -> None:
        """Delete the incomplete files of killed processes."""

    def alone(self) -> AbstractContextManager[object]:
        """Within the context no other run changes the manifest; in a bucket it may."""


class FolderStorage:
    """A folder of this machine, or one that all workers reach by the same path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    def exists(self, name: str) -> bool:
        return (self._folder / name).is_file()

    def read(self, name: str, most: int) -> bytes:
        try:
            return read_regular(self._folder / name, most)
        except InputError as error:
            raise ArchiveError(f"{self._folder / name}: {error.reason}") from error

    def write(self, name: str, data: bytes) -> None:
        path = self._folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(path) as partial:
                partial.write_bytes(data)
        except OSError as error:
            raise ArchiveError(f"{path}: cannot be written ({error.strerror or error})") from error

    def delete(self, name: str) -> None:
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            text = f"{self._folder / name}: cannot be deleted ({error.strerror})"
            raise ArchiveError(text) from error

    def parts(self) -> set[str]:
        return {str(path.relative_to(self._folder)) for path in self._folder.glob(PARTS)}

    def is_vacant(self) -> bool:
        try:
            return not self._folder.exists() or not any(self._folder.iterdir())
        except OSError as error:
            raise ArchiveError(f"{self._folder}: cannot be listed ({error.strerror})") from error

    def sweep(self) -> None:
        for path in self._folder.glob(f"parts/*/.*{PARTIAL}"):
            try:
                if time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink(missing_ok=True)
            except OSError:
                continue  # it is gone, or belongs to another process

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        with contextlib.ExitStack() as undo:
            # Some network file systems have no locks. Writing the manifest tells other reasons.
            with contextlib.suppress(OSError):
                file = undo.enter_context((self._folder / LOCK).open("ab"))
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


class ObjectStorage:
    """Objects of a bucket, below an address."""

    def __init__(self, uri: str) -> None:
        self._uri = uri.rstrip("/")

    def __str__(self) -> str:
        return self._uri

    def exists(self, name: str) -> bool:
        return describe(f"{self._uri}/{name}") is not None

    def read(self, name: str, most: int) -> bytes:
        try:
            return read_object(f"{self._uri}/{name}", most)
        except InputError as error:
            raise ArchiveError(str(error)) from error

    def write(self, name: str, data: bytes) -> None:
        write_object(f"{self._uri}/{name}", data)

    def parts(self) -> set[str]:
        names = {
            one.uri.removeprefix(f"{self._uri}/") for one in list_objects(self._uri + "/parts")
        }
        return {name for name in names if fnmatchcase(name, PARTS)}

    def delete(self, name: str) -> None:
        delete_object(f"{self._uri}/{name}")

    def is_vacant(self) -> bool:
        return next(list_objects(self._uri), None) is None

    def sweep(self) -> None:
        """Nothing to do: an incomplete object does not exist."""

    def alone(self) -> AbstractContextManager[object]:
        return contextlib.nullcontext()


def address_of(uri: str) -> str:
    """The address of a storage, independent of the working directory; for a folder its path."""
    return uri if is_object(uri) else path_text(path_from(uri).absolute())


def storage_at(address: str) -> Storage:
    """The storage at an address."""
    return ObjectStorage(address) if is_object(address) else FolderStorage(path_from(address))

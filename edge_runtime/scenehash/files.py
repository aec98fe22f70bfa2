"""Files: safe opening, atomic writing, and file names as text."""

import contextlib
import errno
import os
import re
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from io import BufferedReader
from pathlib import Path

from .errors import InputError

PARTIAL = ".partial"
# The limit for files that are read whole, such as a model. SHA-256 takes 0.1 s for it.
MAX_MODEL_BYTES = 100_000_000
KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}
# Without O_NONBLOCK, opening a pipe would wait for its other end. Windows has neither flag.
NOT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

SPECIAL = "it is a pipe or a device, and no file takes its place"
_ESCAPED = re.compile(r"\\x([89a-f][0-9a-f])")


def check_regular(path: Path) -> os.stat_result:
    """The status of a regular file; InputError, without the path, if it is not one or not
    reachable.

    Follows links. Refuses pipes, sockets and devices before it opens anything.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            os.scandir(path).close()  # raises if the folder cannot be listed
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})") from error
    return _regular(status)


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading; InputError, without the path, as check_regular."""
    check_regular(path)
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | NOT_WAITING), "rb")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})") from error
    try:
        # The path may lead to a pipe now.
        _regular(os.fstat(file.fileno()))
    except InputError:
        file.close()
        raise
    return file


def read_regular(path: Path, most: int) -> bytes:
    """All bytes of a file with at most this many bytes; InputError, without the path, otherwise.

    Takes no more memory than the size of the file at its opening.
    """
    with open_regular(path) as file:
        return read_open(file, most)


def read_open(file: BufferedReader, most: int) -> bytes:
    """As read_regular, for an open file, from its present position."""
    size = os.fstat(file.fileno()).st_size - file.tell()
    if size > most:
        raise InputError(f"the file has {size:,} bytes, and at most {most:,} are read at once")
    try:
        data, beyond = file.read(size), file.read(1)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})") from error
    if len(data) < size or beyond:
        raise InputError("the file changed while it was read")
    return data


def path_text(path: str | Path) -> str:
    r"""A path as text that every file format and terminal can hold.

    Bytes that are not UTF-8 become \xff; all other text is unchanged. See path_from.
    """
    return os.fsencode(path).decode(errors="backslashreplace")


def path_from(text: str) -> Path:
    r"""The path of a text from path_text.

    A file name may really contain \xff as text: if such a file exists, its path is returned.
    """
    path = Path(text)
    if "\\x" not in text or os.path.lexists(path):
        return path
    raw = _ESCAPED.sub(lambda found: chr(0xDC00 + int(found[1], 16)), text)
    return Path(raw) if os.path.lexists(raw) else path


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path next to a path; at the end of the context the file moves to that path.

    When the context ends, the file and its name are on the disk. If the context ends by an error,
    the old file at the path is unchanged. Raises OSError when the file cannot be written, or would
    take the place of a pipe or a device. A kill may leave the temporary file: hidden, with a name
    that ends in PARTIAL.
    """
    if is_special(path):
        raise OSError(errno.EINVAL, SPECIAL)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}{PARTIAL}")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
        flush_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def check_output(path: Path, outside: Path | None = None) -> None:
    """Raise InputError if a file cannot be written, before long work instead of after it.

    outside: a folder that must not contain the file, such as a store.
    """
    if outside is not None and outside.resolve() in path.resolve().parents:
        raise InputError("it is inside the store's folder; give another one", path)
    if not path.parent.is_dir():
        raise InputError(f"cannot be written: there is no folder {path.parent}", path)
    if path.is_dir():
        raise InputError("cannot be written: it is a folder", path)
    if is_special(path):
        raise InputError(f"cannot be written: {SPECIAL}", path)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError("cannot be written: permission denied", path)


def is_special(path: Path) -> bool:
    """Whether there is something else than a file or a folder, such as /dev/null."""
    return path.exists() and not path.is_file() and not path.is_dir()


def flush_folder(path: Path) -> None:
    """Make the names of new files in a folder durable, not only their contents."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_each(
    writers: Mapping[str, tuple[Path | None, Callable[[Path], None]]],
) -> tuple[dict[str, str], dict[str, str]]:
    """Write as many files as possible. For each name: its path, if wanted, and its writer.

    Returns the paths of the written files by name, and the reasons for the others.
    """
    written, failed = {}, {}
    for name, (path, write) in writers.items():
        if path is not None:
            try:
                write(path)
                written[name] = path_text(path)
            except InputError as error:
                failed[name] = str(error)
    return written, failed


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, whole or not at all; InputError when it cannot be written."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all; InputError when it cannot be written."""
    try:
        with atomic_path(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", path) from error


def _regular(status: os.stat_result) -> os.stat_result:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        raise InputError(f"is {KINDS.get(kind, 'something else')}, not a file")
    return status

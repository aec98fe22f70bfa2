"""Model files in pieces: an adaptation or a model goes down over many bundles."""

import re
from collections.abc import Iterator
from functools import partial
from hashlib import blake2b
from pathlib import Path

from scenehash.errors import BundleError, InputError, StoreError
from scenehash.files import read_regular, write_bytes
from scenehash.store import CodeStore

from .wire import Reader, Writer

# Bytes of a piece, and of a whole file at most.
PIECE, MOST_FILE = 1 << 14, 1 << 28
DIGEST_BYTES = 16
FOLDER = "received"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def file_pieces(path: str | Path) -> Iterator[tuple[str, "partial[bytes]"]]:
    """The pieces of a file: a name for each, and what makes its block; InputError."""
    path = Path(path)
    if not NAME.fullmatch(path.name):
        raise InputError("give it a name of letters, digits, dots and dashes", path)
    try:
        data = read_regular(path, MOST_FILE)
    except InputError as error:
        raise InputError(error.reason, path) from error
    digest = blake2b(data, digest_size=DIGEST_BYTES).digest()
    for start in range(0, len(data), PIECE):
        yield f"file:{digest.hex()}:{start}", partial(_block, path.name, digest, data, start)


def take_piece(store: CodeStore, sender: str, data: bytes) -> Path | None:
    """Keep a piece of a file; its path in the store's folder when it is whole, otherwise None.

    The file is not used before somebody names it. Raises BundleError on what is no piece, or when
    the whole is not what its pieces said.
    """
    found = Reader(data)
    digest, size, start = found.raw(DIGEST_BYTES), found.number(MOST_FILE), found.number(MOST_FILE)
    name, piece = found.text(), found.blob()
    found.done()
    if not NAME.fullmatch(name) or start % PIECE or len(piece) != min(PIECE, size - start):
        raise BundleError("a piece that fits in no file")
    path = store.path / FOLDER / f"{digest.hex()[:8]}-{name}"
    if path.exists():
        return None
    store.links.put_part(sender, digest, start, piece)
    if store.links.part_bytes(sender, digest) < size:
        return None
    whole = b"".join(store.links.parts(sender, digest))
    store.links.forget_parts(sender, digest)
    if blake2b(whole, digest_size=DIGEST_BYTES).digest() != digest:
        raise BundleError(f"{name}: its pieces make another file; send it again")
    try:
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, whole)
    except (OSError, InputError) as error:
        raise StoreError(f"{path}: cannot be written ({error})") from error
    return path


def _block(name: str, digest: bytes, data: bytes, start: int) -> bytes:
    out = Writer()
    out.raw(digest)
    out.number(len(data))
    out.number(start)
    out.text(name)
    out.blob(data[start : start + PIECE])
    return out.data()

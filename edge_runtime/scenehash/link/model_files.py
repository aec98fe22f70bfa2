"""Model files in pieces: a station receives a model or an adaptation over many bundles.

The file's signature, if FILE.sig exists, is sent first, and then the file: so the signature is
there when the file is complete, and always belongs to it.
"""

import re
from collections.abc import Iterator
from functools import partial
from hashlib import blake2b
from pathlib import Path

from scenehash.errors import BundleError, InputError, StoreError
from scenehash.files import MAX_MODEL_BYTES, read_regular, write_bytes
from scenehash.store import CodeStore
from scenehash.trust.signature import MOST_SIGNATURE_BYTES, signature_path

from .wire import Reader, Writer

PIECE = 1 << 14
# The maximum size of a file with its signature.
MOST_FILE = MAX_MODEL_BYTES + MOST_SIGNATURE_BYTES + 8
FILE_DIGEST_BYTES = 16
FOLDER = "received"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# Hexadecimal digits of the digest that a received file's name begins with.
NAME_DIGITS = 16


def file_pieces(path: str | Path) -> Iterator[tuple[str, "partial[bytes]"]]:
    """The pieces of a file and its signature: for each a name, and a function that makes its block.

    Raises InputError.
    """
    path = Path(path)
    if not NAME.fullmatch(path.name):
        raise InputError("give it a name of letters, digits, dots and dashes", path)
    data, signature = _read(path, MOST_FILE - MOST_SIGNATURE_BYTES - 8), b""
    if signature_path(path).exists():
        signature = _read(signature_path(path), MOST_SIGNATURE_BYTES)
    out = Writer()
    out.blob(signature)
    out.raw(data)
    whole = out.data()
    digest = blake2b(whole, digest_size=FILE_DIGEST_BYTES).digest()
    for start in range(0, len(whole), PIECE):
        yield f"file:{digest.hex()}:{start}", partial(_block, path.name, digest, whole, start)


def take_piece(store: CodeStore, sender: str, data: bytes) -> Path | None:
    """Store a piece of a file; returns its path in the store's folder when it is complete,
    otherwise None.

    Its signature is then next to it. The file is not used until somebody names it. Raises
    BundleError on an invalid piece, or when the complete file does not match its pieces' digest.
    """
    found = Reader(data)
    digest, size, start = (
        found.raw(FILE_DIGEST_BYTES),
        found.number(MOST_FILE),
        found.number(MOST_FILE),
    )
    name, piece = found.text(), found.blob()
    found.done()
    if not NAME.fullmatch(name) or start % PIECE or len(piece) != min(PIECE, size - start):
        raise BundleError("a piece lies outside its file")
    path = store.path / FOLDER / f"{digest.hex()[:NAME_DIGITS]}-{name}"
    if path.exists():
        return None
    if store.links.waiting.file_bytes(sender) > MOST_FILE:
        raise BundleError(f"{name}: too many incomplete files are kept already")
    store.links.waiting.put_part(sender, digest, start, piece)
    if store.links.waiting.part_bytes(sender, digest) < size:
        return None
    whole = b"".join(store.links.waiting.parts(sender, digest))
    store.links.waiting.forget_parts(sender, digest)
    if blake2b(whole, digest_size=FILE_DIGEST_BYTES).digest() != digest:
        raise BundleError(f"{name}: its pieces do not match its checksum; send it again")
    parts = Reader(whole)
    signature = parts.blob()
    if len(signature) > MOST_SIGNATURE_BYTES:
        raise BundleError(f"{name}: a signature of {len(signature):,} bytes")
    try:
        path.parent.mkdir(exist_ok=True)
        # The file last, so that an existing file has its signature.
        if signature:
            write_bytes(signature_path(path), signature)
        write_bytes(path, parts.raw(parts.left))
    except (OSError, InputError) as error:
        raise StoreError(f"{path}: cannot be written ({error})") from error
    return path


def _read(path: Path, most: int) -> bytes:
    try:
        return read_regular(path, most)
    except InputError as error:
        raise InputError(error.reason, path) from error


def _block(name: str, digest: bytes, data: bytes, start: int) -> bytes:
    out = Writer()
    out.raw(digest)
    out.number(len(data))
    out.number(start)
    out.text(name)
    out.blob(data[start : start + PIECE])
    return out.data()

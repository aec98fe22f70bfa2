"""A bundle: a file of blocks, each with its own checksum, after a head that lists them all.

docs/link.md has the exact format. The complete blocks of a cut bundle can be read, since the head
has the checksum of each block.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, NamedTuple

from scenehash.errors import BundleError, InputError
from scenehash.files import open_regular, path_text
from scenehash.printable import printable
from scenehash.store.catalog.station import is_station_name

from .dictionary import DICTIONARY
from .signing import check_signature
from .wire import Reader, Writer

MAGIC = b"SHLB"
VERSION = 1
SUFFIX = ".shlb"
STORED, DEFLATED, BY_DICTIONARY = range(3)
UUID_BYTES, ID_BYTES = 16, 16
# The digest sizes of a head, and of a block, which the head's signature must cover.
HEAD_CHECKSUM, BLOCK_CHECKSUM = 8, 16
# Limits of a reader, whatever a head claims.
MOST_SIGNATURE, MOST_NAME = 1 << 12, 64
MOST_BLOCK = 1 << 20
MOST_NUMBER = 1 << 40
PREFIX = 10  # magic, version, a zero, lengths of head and signature


class Block(NamedTuple):
    """A part of a bundle: its kind, see kinds.py, and its bytes."""

    kind: int
    data: bytes


@dataclass(frozen=True)
class Head:
    """The part before the blocks.

    store: the id of the sender's store, as CodeStore.uuid. sender: that store's name. addressee:
    the name of the receiver. number: from 1, of the sender's bundles for it. blocks: of each its
    kind, method, size in the bundle, unpacked size, and checksum. id: of the bundle's content, 32
    hexadecimal digits.
    """

    store: str
    sender: str
    addressee: str
    number: int
    blocks: tuple["_Entry", ...]
    id: str


class _Entry(NamedTuple):
    kind: int
    way: int
    packed: int
    size: int
    checksum: bytes


class Packed(NamedTuple):
    """A block in the form of a bundle."""

    entry: _Entry
    data: bytes

    @property
    def cost(self) -> int:
        """The bytes that it takes in a bundle, with its line in the head."""
        return len(self.data) + 2 + 2 * 3 + BLOCK_CHECKSUM


def pack_block(block: Block) -> Packed:
    """Compress a block if that makes it smaller."""
    by_dictionary = zlib.compressobj(9, zdict=DICTIONARY)
    ways = {
        STORED: block.data,
        DEFLATED: zlib.compress(block.data, 9),
        BY_DICTIONARY: by_dictionary.compress(block.data) + by_dictionary.flush(),
    }
    way = min(ways, key=lambda way: len(ways[way]))
    data = ways[way]
    entry = _Entry(block.kind, way, len(data), len(block.data), _digest(data, BLOCK_CHECKSUM))
    return Packed(entry, data)


def head_bytes(
    store: str, sender: str, addressee: str, number: int, blocks: Sequence[Packed]
) -> bytes:
    """The head of a bundle, which the signature covers."""
    out = Writer()
    out.raw(bytes.fromhex(store))
    out.number(number)
    out.text(sender)
    out.text(addressee)
    out.number(len(blocks))
    for block in blocks:
        entry = block.entry
        out.byte(entry.kind)
        out.byte(entry.way)
        out.number(entry.packed)
        out.number(entry.size)
        out.raw(entry.checksum)
    out.raw(_digest(out.data(), HEAD_CHECKSUM))
    return out.data()


def bundle_bytes(head: bytes, blocks: Sequence[Packed], signature: bytes = b"") -> bytes:
    """A whole bundle."""
    lengths = len(head).to_bytes(2, "little") + len(signature).to_bytes(2, "little")
    start = MAGIC + bytes([VERSION, 0]) + lengths
    return b"".join([start, head, signature, *(block.data for block in blocks)])


def bundle_id(head: bytes) -> str:
    """The id of a bundle's content: a digest of the head, which has the checksum of every block."""
    return blake2b(head, digest_size=ID_BYTES).hexdigest()


def bundle_name(head: Head) -> str:
    """A unique file name for a bundle."""
    return f"{head.sender}-for-{head.addressee}-{head.number:06}-{head.id[:8]}{SUFFIX}"


class Opened(NamedTuple):
    """A bundle for reading: its head, and its complete blocks, by their position."""

    head: Head
    blocks: Iterator[tuple[int, Block]]


def read_bundle(path: Path) -> Opened:
    """Read a bundle's head; its blocks are read one at a time, on demand.

    Leaves out incomplete blocks, and all blocks after a cut. Raises BundleError when it is not a
    bundle, its head is not complete, or its signature is missing or wrong although one is needed,
    and InputError when the file cannot be read.
    """
    try:
        file = open_regular(path)
    except InputError as error:
        raise InputError(error.reason, path_text(path)) from error
    with file:
        try:
            head, size = _read_head(file)
        except BundleError as error:
            raise BundleError(f"{path_text(path)}: {error}") from error
    return Opened(head, _blocks(path, head, size))


def parse_head(data: bytes) -> Head:
    """The head from its bytes; BundleError."""
    own = data[-HEAD_CHECKSUM:]
    if len(data) < HEAD_CHECKSUM or _digest(data[:-HEAD_CHECKSUM], HEAD_CHECKSUM) != own:
        raise BundleError("its head is damaged; ask for the bundle again")
    found = Reader(data[:-HEAD_CHECKSUM])
    store = found.raw(UUID_BYTES).hex()
    number = found.number(MOST_NUMBER)
    sender, addressee = _name(found.text()), _name(found.text())
    # A line takes at least 20 bytes.
    entries = tuple(_take_entry(found) for _ in range(found.count(20)))
    found.done()
    return Head(store, sender, addressee, number, entries, bundle_id(data))


def _name(text: str) -> str:
    if not is_station_name(text):
        raise BundleError(f"{printable(text[:MOST_NAME])!r} is not the name of a station")
    return text


def _take_entry(found: Reader) -> _Entry:
    kind, way = found.byte(), found.byte()
    packed, size = found.number(MOST_BLOCK), found.number(MOST_BLOCK)
    if way not in (STORED, DEFLATED, BY_DICTIONARY) or packed > size:
        raise BundleError("a block is compressed in a way that this scenehash does not know")
    return _Entry(kind, way, packed, size, found.raw(BLOCK_CHECKSUM))


def _read_head(file: BinaryIO) -> tuple[Head, int]:
    """The head, and the number of bytes before the blocks."""
    prefix = file.read(PREFIX)
    if len(prefix) < PREFIX or prefix[:4] != MAGIC:
        raise BundleError("not a bundle of scenehash")
    if prefix[4] != VERSION or prefix[5]:
        raise BundleError(f"a bundle of version {prefix[4]}: update scenehash")
    length, signed = (int.from_bytes(prefix[at : at + 2], "little") for at in (6, 8))
    if signed > MOST_SIGNATURE:
        raise BundleError(f"a signature of {signed:,} bytes")
    data, signature = file.read(length), file.read(signed)
    if len(data) < length or len(signature) < signed:
        raise BundleError("it is cut before its first block; ask for it again")
    check_signature(data, signature)
    return parse_head(data), PREFIX + length + signed


def _blocks(path: Path, head: Head, start: int) -> Iterator[tuple[int, Block]]:
    with open_regular(path) as file:
        file.seek(start)
        for position, entry in enumerate(head.blocks):
            data = file.read(entry.packed)
            if len(data) < entry.packed:
                return
            if _digest(data, BLOCK_CHECKSUM) == entry.checksum:
                yield position, Block(entry.kind, _unpacked(data, entry))


def _unpacked(data: bytes, entry: _Entry) -> bytes:
    if entry.way == STORED:
        return data
    with_dictionary = zlib.decompressobj(zdict=DICTIONARY)
    inflater = with_dictionary if entry.way == BY_DICTIONARY else zlib.decompressobj()
    try:
        # One byte more shows whether there is more data.
        found = inflater.decompress(data, entry.size + 1)
    except zlib.error as error:
        raise BundleError(f"a block that cannot be unpacked ({error})") from error
    if len(found) != entry.size or not inflater.eof or inflater.unused_data:
        raise BundleError("a block's size differs from the size in the head")
    return found


def _digest(data: bytes, size: int) -> bytes:
    return blake2b(data, digest_size=size).digest()

"""trust.json: the keys that a machine trusts, and the signed files that it has seen.

The file is written atomically and flushed, with a checksum: a damaged file stops everything that
needs it, instead of counting as a machine without keys. It is as safe as its folder: everybody who
can write there can change it.
"""

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from scenehash.errors import InputError, TrustError
from scenehash.files import read_regular, write_text

from .paths import is_there

MOST_BYTES = 8_000_000
MOST_KEYS, MOST_FILES = 100, 2_000

Short = Annotated[str, Field(max_length=500)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]*$", max_length=128)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)


class TrustedKey(_Record):
    """A public key, with the end of its trust; revoked: the time of its revocation."""

    name: Short
    public: Hex
    added: AwareDatetime
    expires: AwareDatetime | None = None
    revoked: AwareDatetime | None = None


class SeenSeries(_Record):
    """The highest accepted number of a series, and its file."""

    number: int
    sha256: Hex


class AcceptedFile(_Record):
    """An accepted file with its key; None for a file that was made here from a shipped one."""

    kind: Literal["model", "file"]
    key: Short | None
    series: Short | None
    number: int
    size: int
    lineage: Short | None


class TrustState(_Record):
    """The whole state. newest: the latest time in an accepted signature by a key that expires.

    lineages: by lineage the codes, as hexadecimal digits, of the golden tiles of the first accepted
    file, by the SHA-256 of the tile's pixels.
    """

    format: Literal[1] = 1
    keys: dict[str, TrustedKey] = Field(default={}, max_length=MOST_KEYS)
    newest: AwareDatetime | None = None
    series: dict[str, SeenSeries] = Field(default={}, max_length=MOST_FILES)
    accepted: dict[str, AcceptedFile] = Field(default={}, max_length=MOST_FILES)
    lineages: dict[str, dict[str, Hex]] = Field(default={}, max_length=MOST_FILES)

    def now(self, clock: datetime) -> datetime:
        """The time, at least the latest signed time, since a clock may be wrong."""
        return clock if self.newest is None else max(clock, self.newest)


def read_state(path: Path) -> TrustState:
    """The state in the file; without a file, no keys and no seen files.

    Raises TrustError when it exists and cannot be read, is damaged, or has a newer format.
    """
    if not is_there(path):
        return TrustState()
    try:
        data = read_regular(path, MOST_BYTES)
        checksum, _, text = data.partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != checksum:
            raise TrustError(_damaged(path))
        return TrustState.model_validate_json(text)
    except InputError as error:
        raise TrustError(
            f"{path}: {error}; no signed file is accepted until it can be read"
        ) from error
    except ValidationError as error:
        raise TrustError(f"{_damaged(path)}, or update scenehash") from error


@contextlib.contextmanager
def change_state(path: Path) -> Iterator[TrustState]:
    """The state, for changes that are durable when the context ends without an error.

    One process at a time. Raises TrustError as read_state, and when it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(path.name + ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = read_state(path)
            before = state.model_dump_json()
            yield state
            text = TrustState.model_validate(state.model_dump()).model_dump_json()
            if text != before:
                checksum = hashlib.sha256(text.encode()).hexdigest()
                write_text(path, f"{checksum}\n{text}")
    except (OSError, InputError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise TrustError(f"{path}: cannot be written ({reason})") from error


def clock() -> datetime:
    """This machine's time."""
    return datetime.now(UTC)


def _damaged(path: Path) -> str:
    return (
        f"{path}: what this machine trusts is damaged; put a copy of the file back, or remove it "
        "and add the keys again"
    )

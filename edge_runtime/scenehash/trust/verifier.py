"""The check of a file from elsewhere against the trusted keys of this machine.

A machine without keys accepts every file. A machine with keys accepts a file that

- has a signature by a key that is known, not revoked, and not expired, or was accepted before;
- has exactly the signed bytes, with the signed size;
- has the kind of its use;
- has no lower number than the highest accepted one of its series, and not the same number as a
  different file.
"""

import functools
import hashlib
import shlex
from datetime import datetime
from pathlib import Path

from scenehash.errors import InputError, TrustError
from scenehash.files import check_regular, open_regular, path_text, read_regular

from .keys import key_id, read_public_key
from .paths import state_path
from .signature import Claim, Kind, read_claim
from .state import (
    MOST_FILES,
    MOST_KEYS,
    AcceptedFile,
    SeenSeries,
    TrustedKey,
    TrustState,
    change_state,
    clock,
    read_state,
)

# The kind of a file that is not a model.
MOST_FILE_BYTES = 1 << 30
# A larger file is read into memory only when its digest is known to be right.
MOST_AT_ONCE = 1 << 24


class Verifier:
    """The trusted state at the time of its creation; TrustError when it is damaged."""

    def __init__(self, path: Path | None = None, now: datetime | None = None) -> None:
        self.path = path or state_path()
        self._now = now
        self._state = read_state(self.path)

    @property
    def state(self) -> TrustState:
        """The trusted keys, and the seen files."""
        return self._state

    @property
    def has_keys(self) -> bool:
        """Whether there are keys, also revoked or expired ones: then files must be signed."""
        return bool(self._state.keys)

    def read(self, path: Path, kind: Kind, most: int) -> tuple[bytes, Claim | AcceptedFile]:
        """The bytes of a trusted file, and its signed or accepted facts.

        It parses nothing of the file, and reads nothing if its size is neither that of an accepted
        file nor the signed size. Raises TrustError with the reason for a refusal.
        """
        try:
            content = _Content(path, most)
            trusted = self._checked(content, kind)
            return content.data(), trusted
        except InputError as error:
            raise TrustError(str(error)) from error

    def verify(self, path: Path) -> Claim | AcceptedFile:
        """The reason for trust in a file of any kind; TrustError, with its path and the reason."""
        try:
            return self._checked(_Content(path, MOST_FILE_BYTES), "file")
        except (InputError, TrustError) as error:
            raise TrustError(f"{path}: {error}") from error

    def remember(self, claim: Claim, golden: dict[str, str] | None = None) -> None:
        """Record, durably, that a file was accepted; golden: see TrustState.lineages."""
        with change_state(self.path) as state:
            seen = state.series.get(claim.series)
            if seen is None or claim.number > seen.number:
                state.series[claim.series] = SeenSeries(number=claim.number, sha256=claim.sha256)
            state.accepted[claim.sha256] = AcceptedFile(
                kind=claim.kind,
                key=claim.key,
                series=claim.series,
                number=claim.number,
                size=claim.size,
                lineage=claim.lineage,
            )
            if claim.lineage is not None and golden:
                state.lineages.setdefault(claim.lineage, golden)
            # A key that never expires does not prove the time: its owner's clock may be wrong.
            if state.keys[claim.key].expires is not None:
                state.newest = state.now(claim.signed)
            _forget_oldest(state)
        self._state = read_state(self.path)

    def remember_own(self, data: bytes, lineage: str, base: Claim | AcceptedFile | None) -> None:
        """Record, durably, that a file was made here from an accepted or a shipped file."""
        own = AcceptedFile(
            kind="model",
            key=base.key if base else None,
            series=None,
            number=0,
            size=len(data),
            lineage=lineage,
        )
        with change_state(self.path) as state:
            state.accepted[_digest(data)] = own
            _forget_oldest(state)

    def check_key(self, key: str, now: datetime | None = None) -> TrustedKey:
        """The key with an id; TrustError when it is unknown, revoked or expired."""
        found = self._state.keys.get(key)
        if found is None:
            raise TrustError(f"it is signed by the key {key[:40]!a}, which is unknown here")
        _check_not_revoked(key, found)
        time = self._state.now(now or self._now or clock())
        if found.expires is not None and time > found.expires:
            raise TrustError(
                f"the key {key} ({found.name}) expired at {found.expires:%Y-%m-%d %H:%M}Z, and "
                f"the time here is {time:%Y-%m-%d %H:%M}Z; add a newer key"
            )
        return found

    def _checked(self, content: "_Content", kind: Kind) -> Claim | AcceptedFile:
        known = any(one.size == content.size for one in self._state.accepted.values())
        accepted = self._state.accepted.get(content.sha256) if known else None
        if accepted is not None:
            self._check_accepted(accepted, kind)
            return accepted
        public = {key: bytes.fromhex(one.public) for key, one in self._state.keys.items()}
        claim = read_claim(content.path, public)
        if claim is None:
            raise TrustError(UNSIGNED.format(shlex.quote(path_text(content.path))))
        self._check(claim, kind)
        if content.size != claim.size:
            raise TrustError(f"it has {content.size:,} bytes, and {claim.size:,} were signed")
        if content.sha256 != claim.sha256:
            raise TrustError("it has changed since it was signed")
        return claim

    def _check(self, claim: Claim, kind: Kind) -> None:
        key = self._state.keys[claim.key]
        _check_not_revoked(claim.key, key)
        self.check_key(claim.key)
        if key.expires is not None and claim.signed > key.expires:
            raise TrustError(f"it was signed after the key {claim.key} ({key.name}) expired")
        if claim.kind != kind:
            raise TrustError(f"it is signed as a {claim.kind}, not as a {kind}")
        self._check_number(claim.series, claim.number, claim.sha256)

    def _check_accepted(self, accepted: AcceptedFile, kind: Kind) -> None:
        if accepted.kind != kind:
            raise TrustError(f"it was accepted as a {accepted.kind}, not as a {kind}")
        if accepted.key is not None and accepted.key in self._state.keys:
            _check_not_revoked(accepted.key, self._state.keys[accepted.key])
        if accepted.series is not None:
            self._check_number(accepted.series, accepted.number, None)

    def _check_number(self, series: str, number: int, digest: str | None) -> None:
        seen = self._state.series.get(series)
        if seen is not None and number < seen.number:
            raise TrustError(
                f"it is number {number} of {series!a}, and number {seen.number} was seen here: an "
                "older file; to go back to it, have it signed again with a higher number"
            )
        if seen is not None and number == seen.number and digest not in (None, seen.sha256):
            raise TrustError(
                f"another file with the same number {number} of {series!a} was seen here"
            )


class _Content:
    """The bytes of a file with a maximum size, hashed before all are in memory; InputError."""

    def __init__(self, path: Path, most: int) -> None:
        self.path, self.size, self._most = path, check_regular(path).st_size, most
        self._data: bytes | None = None

    @functools.cached_property
    def sha256(self) -> str:
        """Their digest."""
        if self.size > self._most:
            raise InputError(
                f"the file has {self.size:,} bytes, and at most {self._most:,} are read at once"
            )
        if self.size <= MOST_AT_ONCE:
            self._data = read_regular(self.path, self._most)
            return _digest(self._data)
        with open_regular(self.path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def data(self) -> bytes:
        """All bytes, with that digest."""
        if self._data is None:
            data = read_regular(self.path, self._most)
            if _digest(data) != self.sha256:
                raise InputError("the file changed while it was read")
            self._data = data
        return self._data


UNSIGNED = (
    "it is not signed, and this machine has keys; sign it with one of them: "
    "scenehash sign {} --key KEY --series NAME"
)


def add_key(
    public: Path,
    name: str,
    expires: datetime | None = None,
    now: datetime | None = None,
    path: Path | None = None,
) -> str:
    """Trust a public key from now on; returns its id. TrustError for a key that was revoked."""
    data = read_public_key(public)
    key, when = key_id(data), now or clock()
    with change_state(path or state_path()) as state:
        found = state.keys.get(key)
        if found is not None and found.revoked is not None:
            raise TrustError(f"the key {key} ({found.name}) was revoked; make a new one")
        if found is None and len(state.keys) >= MOST_KEYS:
            raise TrustError(f"there are {MOST_KEYS} keys already, the most that can be trusted")
        state.keys[key] = TrustedKey(
            name=name[:500], public=data.hex(), added=when, expires=expires
        )
    return key


def revoke_key(named: str, now: datetime | None = None, path: Path | None = None) -> str:
    """Stop trusting a key and everything it has signed; returns its id. named: its id or name."""
    with change_state(path or state_path()) as state:
        found = [key for key, one in state.keys.items() if named in (key, one.name)]
        if len(found) != 1:
            raise TrustError(
                f"{named}: {len(found)} keys have this name; give the id: scenehash trust list"
            )
        state.keys[found[0]].revoked = state.keys[found[0]].revoked or now or clock()
    return found[0]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _check_not_revoked(key: str, found: TrustedKey) -> None:
    if found.revoked is not None:
        raise TrustError(f"the key {key} ({found.name}) was revoked on {found.revoked:%Y-%m-%d}")


def _forget_oldest(state: TrustState) -> None:
    """Limit the size of the state; numbers of series stay."""
    while len(state.accepted) > MOST_FILES:
        del state.accepted[next(iter(state.accepted))]

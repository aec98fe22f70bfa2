"""Tokens: names and scopes of callers, stored as hashes in a file.

A token is `scenehash_ID_SECRET`, with a secret of 256 random bits, so that a plain hash is enough:
nobody can guess it. It is shown once, when it is made.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scenehash.errors import ConfigurationError, StoreError
from scenehash.files import atomic_path
from scenehash.printable import printable

# Each scope includes the scopes before it.
SCOPES = ("read", "confirm", "write")
PREFIX = "scenehash"
LONGEST_NAME, MOST_BYTES = 100, 1_000_000

_FORM = re.compile(rf"{PREFIX}_([0-9a-f]{{8}})_([\w-]{{43}})", re.ASCII)
# The comparison value without a token of that id, to take the same time.
_NOBODY = hashlib.sha256(secrets.token_bytes()).hexdigest()


@dataclass(frozen=True)
class Token:
    """A token without its secret: hash is the SHA-256 of the secret, in hexadecimal digits."""

    id: str
    name: str
    scope: str
    hash: str
    created: str

    def document(self) -> dict[str, object]:
        """The token as plain values for JSON, to show to people."""
        return {"id": self.id, "name": self.name, "scope": self.scope, "created": self.created}


def allows(scope: str | None, needed: str) -> bool:
    """Whether a scope includes another; None includes none."""
    return scope is not None and SCOPES.index(scope) >= SCOPES.index(needed)


class Tokens:
    """The tokens in a file, always in its present state: changes apply from the next request on.

    Raises StoreError when the file cannot be read or written, or is not a file of tokens.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._tokens: dict[str, Token] = {}

    def list(self) -> Sequence[Token]:
        """All tokens, by name."""
        return sorted(self._read().values(), key=lambda token: (token.name, token.id))

    def add(self, name: str, scope: str) -> str:
        """Make a token; returns it. ConfigurationError on an invalid name or scope."""
        if scope not in SCOPES:
            raise ConfigurationError(f"scope {scope}: give {', '.join(SCOPES)}")
        if not name.strip() or name != printable(name) or len(name) > LONGEST_NAME:
            raise ConfigurationError(
                f"a token's name is one line of text with 1 to {LONGEST_NAME} characters"
            )
        number, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        token = Token(number, name, scope, _hash(secret), now)
        self._write({**self._read(), number: token})
        return f"{PREFIX}_{number}_{secret}"

    def revoke(self, named: str) -> Sequence[Token]:
        """Remove the token with an id, or the tokens with a name; returns them.

        StoreError when there is none.
        """
        tokens = self._read()
        gone = [token for token in tokens.values() if named in (token.id, token.name)]
        if not gone:
            raise StoreError(
                f"{self.path}: no token of the id or name {named} (see: scenehash serve token list)"
            )
        self._write({number: token for number, token in tokens.items() if token not in gone})
        return gone

    def find(self, text: str) -> Token | None:
        """The token of a text; None if it is not one. It takes the same time for any text."""
        form = _FORM.fullmatch(text)
        number, secret = form.groups() if form else ("", text)
        token = self._read().get(number)
        right = hmac.compare_digest(_hash(secret), _NOBODY if token is None else token.hash)
        return token if right else None

    def _read(self) -> dict[str, Token]:
        with self._lock:
            try:
                status = self.path.stat()
            except FileNotFoundError:
                self._seen, self._tokens = None, {}
                return {}
            except OSError as error:
                raise StoreError(f"{self.path}: cannot be read ({error.strerror})") from error
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
            if seen != self._seen:
                self._tokens, self._seen = self._parsed(status.st_size), seen
            return self._tokens

    def _parsed(self, size: int) -> dict[str, Token]:
        try:
            if size > MOST_BYTES:
                raise ValueError("too large")
            entries: list[dict[str, Any]] = json.loads(self.path.read_text())["tokens"]
            tokens = [Token(**entry) for entry in entries]
            for token in tokens:
                if token.scope not in SCOPES or not all(
                    map(str.isprintable, asdict(token).values())
                ):
                    raise ValueError("a token that makes no sense")
        except (OSError, LookupError, TypeError, ValueError, RecursionError) as error:
            raise StoreError(f"{self.path}: not a file of tokens ({error})") from error
        return {token.id: token for token in tokens}

    def _write(self, tokens: dict[str, Token]) -> None:
        document = {"tokens": [asdict(token) for token in tokens.values()]}
        try:
            self.path.parent.mkdir(exist_ok=True)
            with atomic_path(self.path) as partial:
                partial.touch(mode=0o600)
                partial.write_text(json.dumps(document, indent=2) + "\n")
                os.chmod(partial, 0o600)  # noqa: PTH101
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be written ({error.strerror})") from error


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()

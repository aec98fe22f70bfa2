"""Addresses of engines: milvus://HOST:PORT/COLLECTION, milvus:///FILE.db/COLLECTION, pg://..."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from scenehash.errors import ConfigurationError

FORMS = (
    "milvus://HOST:PORT/COLLECTION, milvus:///PATH/FILE.db/COLLECTION, or "
    "pg://USER@HOST:PORT/DATABASE/COLLECTION"
)
PORTS = {"milvus": 19530, "pg": 5432}
# The options behind a question mark, with their values; none: any text.
OPTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "milvus": {"tls": ("0", "1"), "database": (), "consistency": ("bounded", "strong")},
    "pg": {"sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")},
}
# A collection's name begins the names of tables, which have at most 63 characters.
COLLECTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")

Kind = Literal["milvus", "pg"]


@dataclass(frozen=True)
class Address:
    """The place of an engine, and one of its collections.

    host: None for a file of Milvus Lite, or the local socket of PostgreSQL. within: that file, or
    the database. user: the user's name; no address has a password, see docs/engines.md.
    """

    text: str
    kind: Kind
    host: str | None
    port: int
    within: str
    collection: str
    user: str | None
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, text: str) -> "Address":
        """Raises ConfigurationError on an invalid address."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise ConfigurationError(f"{text}: not an address ({error}); give {FORMS}") from error
        if parts.scheme == "milvus":
            kind: Kind = "milvus"
        elif parts.scheme == "pg":
            kind = "pg"
        else:
            raise ConfigurationError(f"{text}: not the address of an engine; give {FORMS}")
        if parts.password is not None:
            raise ConfigurationError(
                f"{kind}://{parts.hostname}: other users can see a password in an address, in "
                "the list of processes; give it in SCENEHASH_MILVUS_TOKEN (USER:PASSWORD), or in "
                "PGPASSWORD or ~/.pgpass"
            )
        within, _, collection = unquote(parts.path).lstrip("/").rpartition("/")
        options = tuple(parse_qsl(parts.query, keep_blank_values=True))
        _check_options(text, OPTIONS[kind], options)
        if not COLLECTION.fullmatch(collection) or parts.fragment:
            raise ConfigurationError(
                f"{text}: no collection; give {FORMS}, a collection of letters, digits and _ (at "
                "most 32)"
            )
        host = parts.hostname
        if (host is None and not within) or (kind == "pg" and not within):
            raise ConfigurationError(f"{text}: a part of the address is missing; give {FORMS}")
        if kind == "milvus" and host is not None and within:
            raise ConfigurationError(f"{text}: a Milvus collection has no folder; give {FORMS}")
        if kind == "milvus" and host is None:
            within = str(PurePath("/", within))
            if not within.endswith(".db"):
                raise ConfigurationError(f"{text}: no file of Milvus Lite (.db); give {FORMS}")
        if kind == "milvus" and parts.username is not None:
            raise ConfigurationError(
                f"{text}: a user of Milvus is given with the password, in SCENEHASH_MILVUS_TOKEN "
                "(USER:PASSWORD)"
            )
        user = None if parts.username is None else unquote(parts.username)
        return cls(text, kind, host, port or PORTS[kind], within, collection, user, options)

    @property
    def file(self) -> Path | None:
        """The file of Milvus Lite; None where a server is meant."""
        return Path(self.within) if self.kind == "milvus" and self.host is None else None

    def option(self, name: str, default: str) -> str:
        """An option after the address's question mark."""
        return dict(self.options).get(name, default)


def is_address(text: object) -> bool:
    """Whether a store is given as the address of an engine, not as a folder."""
    return isinstance(text, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def _check_options(
    text: str, known: Mapping[str, Sequence[str]], options: Sequence[tuple[str, str]]
) -> None:
    for name, value in options:
        if name not in known:
            raise ConfigurationError(
                f"{text}: no such option as {name}; there is {', '.join(known)}"
            )
        if known[name] and value not in known[name]:
            raise ConfigurationError(
                f"{text}: no such {name} as {value}; give {' or '.join(known[name])}"
            )

"""What a server does, and who may ask it. Light to import: the command takes its defaults."""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

CORES = os.cpu_count() or 1
# In the store's folder: what belongs to the server of that store.
FOLDER, TOKENS, AUDIT, JOBS, ADAPTED = (
    "serve",
    "tokens.json",
    "audit.jsonl",
    "jobs.json",
    "adapted.onnx",
)
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class ServeOptions:
    """Where a server listens, and what it lets others do.

    host, port: an address of this machine; port 0 is any that is free. names: the host names that
    browsers may call it by, besides that address; behind a proxy, the proxy's. certificate, key:
    PEM files, for HTTPS. tokens: the file of tokens; None: the one in the store's folder. accept: a
    folder that uploaded scenes are kept in, and ingested from; None: none are taken. threads: how
    many requests are worked on at once. most_connections: beyond these a connection is refused.
    most_upload: bytes of a query image, or of a scene.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    tokens: Path | None = None
    accept: Path | None = None
    threads: int = CORES
    most_connections: int = 256
    most_upload: int = 64 * MEGABYTE

    @property
    def needs_token(self) -> bool:
        """Whether a token is asked for: wherever others than this machine's users may come from."""
        return bool(self.names) or not is_loopback(self.host)

    def tokens_file(self, store: Path) -> Path:
        """The file of tokens of a store."""
        return self.tokens or store / FOLDER / TOKENS


def is_loopback(host: str) -> bool:
    """Whether an address is one that this machine alone can reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

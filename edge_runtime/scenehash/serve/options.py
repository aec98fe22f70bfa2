"""The options of a server. Light to import: the command takes its defaults from here."""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

CORES = os.cpu_count() or 1
# The folder for the server's files in the store's folder.
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
    """The address of a server, and its permissions for others.

    host, port: an address of this machine; port 0 is any free port. names: further host names for
    browsers, such as a proxy's. certificate, key: PEM files, for HTTPS. tokens: the file of tokens;
    None: the file in the store's folder. accept: a folder for uploaded scenes, which are ingested
    from there; None: no uploads. threads: the number of requests in work at once. most_connections:
    further connections are refused. most_upload: the maximum bytes of a query image or a scene.
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
        """Whether a token is needed: if other machines or a proxy can reach the server."""
        return bool(self.names) or not is_loopback(self.host)

    def tokens_file(self, store: Path) -> Path:
        """The file of tokens of a store."""
        return self.tokens or store / FOLDER / TOKENS


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

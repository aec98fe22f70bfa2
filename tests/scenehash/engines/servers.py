"""Real servers on loopback, for as long as tests need them."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...absent import absent

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


class Postgres:
    """A cluster of PostgreSQL in a folder of its own, or in one that has it already."""

    def __init__(self, folder: Path | None = None, settings: Mapping[str, str] = {}) -> None:
        if not POSTGRES:
            absent("postgres", "no PostgreSQL server is installed (Debian: postgresql)")
        # Not below pytest's folders, which root alone may enter: the server refuses to run as root.
        self.folder = folder or Path(tempfile.mkdtemp(prefix="scenehash-postgres-"))
        self.folder.mkdir(exist_ok=True)
        self.settings = {"listen_addresses": "127.0.0.1", "fsync": "off", **settings}
        self.bin, self.port = POSTGRES[-1], free_port()
        self.user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self.user:
            shutil.chown(self.folder, "postgres")
        if (self.folder / "data" / "PG_VERSION").exists():
            self.start()
            return
        self._run("initdb", "-D", self.folder / "data", "-A", "trust", "-U", "postgres")
        self.start()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "tiles")

    @property
    def address(self) -> str:
        return f"pg://postgres@127.0.0.1:{self.port}/tiles"

    def start(self) -> None:
        options = [f"-c {name}={value}" for name, value in self.settings.items()]
        settings = " ".join([f"-p {self.port} -k {self.folder}", *options])
        log = self.folder / "log"
        self._run("pg_ctl", "-D", self.folder / "data", "-w", "-o", settings, "-l", log, "start")

    def stop(self, how: str = "fast") -> None:
        self._run("pg_ctl", "-D", self.folder / "data", "-m", how, "-w", "stop")

    def _run(self, program: str, *words: object) -> None:
        command = [*self.user, str(self.bin / program), *map(str, words)]
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, cwd="/", stderr=subprocess.DEVNULL
        )


class Milvus:
    """A Milvus in one process, of the package of that name."""

    def __init__(self, folder: Path) -> None:
        if importlib.util.find_spec("milvus") is None:
            absent("packages", "no Milvus server is installed (pip install milvus)")
        self.folder, self.port = folder / "milvus", free_port()
        self.start()

    @property
    def address(self) -> str:
        return f"milvus://127.0.0.1:{self.port}"

    def start(self) -> None:
        from milvus import MilvusServer, MilvusServerConfig

        config = MilvusServerConfig(data_dir=str(self.folder), proxy_port=self.port)
        self.server = MilvusServer(config)
        until = time.monotonic() + 90
        while True:
            try:
                self.server.start()
                return
            except RuntimeError:  # connections of one that was killed keep its port for a minute
                if time.monotonic() > until:
                    raise
                time.sleep(1)

    def kill(self) -> None:
        self.server.server_proc.kill()
        self.server.server_proc.wait()

    def stop(self) -> None:
        try:
            self.server.stop()
        except subprocess.TimeoutExpired:  # with many tiles it takes longer than it is given
            self.kill()


@contextlib.contextmanager
def running(server) -> Iterator:
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)

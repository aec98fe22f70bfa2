"""How much of an exported GeoParquet is read for a box that has 1 % of its tiles?

python benchmarks/geoparquet.py [--tiles 10000000] [--folder FOLDER]

A store of so many tiles, as benchmarks/engines.py makes it or has made it in a folder, is exported.
DuckDB and pyarrow then ask for the tiles in a box, and for the nearest to a code in it, over HTTP:
a server on loopback gives ranges of the file and counts what it gives. GDAL reads the file itself,
by its driver ADBC with DuckDB's library; what it reads is counted by the kernel. All have to find
as many tiles as the store.
"""

import argparse
import http.client
import json
import re
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import _duckdb
import duckdb
import numpy as np
import pyarrow.dataset
import pyogrio.raw
from engines import BITS, BOX, make_stores
from fsspec import AbstractFileSystem
from fsspec.spec import AbstractBufferedFile

from scenehash import CodeStore
from scenehash.report.geoparquet import write_geoparquet
from scenehash.store import SearchRequest

WEST, SOUTH, EAST, NORTH = BOX.bbox or (0.0, 0.0, 0.0, 0.0)
INSIDE = (
    f"bbox.xmin <= {EAST} AND bbox.xmax >= {WEST} AND bbox.ymin <= {NORTH} AND bbox.ymax >= {SOUTH}"
)
NEAREST = (
    "SELECT bit_count(xor(code::BIT, from_hex('00ff00ff00ff00ff')::BIT)) AS distance, row, scene "
    "FROM '{}' WHERE " + INSIDE + " ORDER BY distance, row LIMIT 20"
)


class RangeServer(ThreadingHTTPServer):
    """Gives ranges of one file on loopback; given: their bytes, requests: how many there were."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(("127.0.0.1", 0), RangeHandler)
        self.path, self.size = path, path.stat().st_size
        self.given = self.requests = 0
        self.counting = threading.Lock()


class RangeHandler(BaseHTTPRequestHandler):
    """Answers GET with a Range."""

    protocol_version = "HTTP/1.1"
    server: RangeServer

    def do_GET(self) -> None:
        """The bytes that are asked for."""
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked is None:
            self.send_error(400)
            return
        first, last = int(asked[1]), min(int(asked[2]), self.server.size - 1)
        with self.server.path.open("rb") as file:
            file.seek(first)
            data = file.read(last - first + 1)
        with self.server.counting:
            self.server.given += len(data)
            self.server.requests += 1
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{self.server.size}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


class Ranged(AbstractFileSystem):  # type: ignore[misc]
    """The one file of a server, read by ranges as they are asked for: nothing is read ahead."""

    protocol = "ranged"
    cachable = False

    def __init__(self, server: RangeServer) -> None:
        super().__init__()
        self.server = server

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Its size."""
        return {"name": path, "size": self.server.size, "type": "file"}

    def modified(self, path: str) -> datetime:
        """DuckDB asks for it."""
        del path
        return datetime.fromtimestamp(self.server.path.stat().st_mtime, UTC)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> "RangedFile":
        return RangedFile(self, path, mode, cache_type="none")


class RangedFile(AbstractBufferedFile):  # type: ignore[misc]
    """See Ranged."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        connection = http.client.HTTPConnection(*self.fs.server.server_address)
        try:
            connection.request("GET", "/", headers={"Range": f"bytes={start}-{end - 1}"})
            return connection.getresponse().read()
        finally:
            connection.close()


def read_by_this_process() -> int:
    """Bytes that the kernel has given to this process from files."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar:"))


def counted(ask: Callable[[], Any], server: RangeServer | None) -> dict[str, Any]:
    """What a question gives, the bytes that it reads, and its seconds."""
    given, requests = (server.given, server.requests) if server else (read_by_this_process(), 0)
    began = time.perf_counter()
    found = ask()
    took = time.perf_counter() - began
    read = (server.given if server else read_by_this_process()) - given
    result = {"found": found, "bytes": read, "seconds": round(took, 2)}
    return {**result, "requests": server.requests - requests} if server else result


def ours(store: CodeStore) -> list[tuple[int, int]]:
    """The store's own answer: distances and rows of all tiles in the box."""
    code = np.frombuffer(bytes.fromhex("00ff00ff00ff00ff"), np.uint8)[None]
    hits, _ = store.search_any(SearchRequest(code, len(store), where=BOX))
    return [(hit.distance, hit.row) for hit in hits]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = args.folder or Path(name)
        make_stores(folder, args.tiles, 4)
        file = folder / "tiles.parquet"
        began = time.perf_counter()
        with CodeStore.open(folder / "all") as store:
            if not file.exists():
                write_geoparquet(store, file)
            wrote = time.perf_counter() - began
            inside = ours(store)
        print(json.dumps(figures(file, args.tiles, round(wrote), inside), indent=2))


def figures(file: Path, tiles: int, wrote: int, inside: list[tuple[int, int]]) -> dict[str, Any]:
    """What each reader finds and reads."""
    server = RangeServer(file)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    files = Ranged(server)
    database = duckdb.connect()
    database.register_filesystem(files)
    address = f"ranged://{file.name}"

    def of_pyarrow() -> int:
        opened = pyarrow.dataset.dataset(file.name, filesystem=files)
        side = {one: pyarrow.dataset.field("bbox", one) for one in ("xmin", "xmax")}
        height = {one: pyarrow.dataset.field("bbox", one) for one in ("ymin", "ymax")}
        there = (side["xmin"] <= EAST) & (side["xmax"] >= WEST)
        there &= (height["ymin"] <= NORTH) & (height["ymax"] >= SOUTH)
        return int(opened.to_table(columns=["row", "code"], filter=there).num_rows)

    def of_gdal(**more: Any) -> int:
        driver = {"ADBC_DRIVER": _duckdb.__file__}
        *_, columns = pyogrio.raw.read(f"ADBC:{file}", read_geometry=False, **driver, **more)
        return len(columns[0])

    def by_box() -> int:
        return of_gdal(bbox=BOX.bbox, columns=["row", "code"])

    def by_sql() -> int:
        return of_gdal(SQL=f"SELECT row, code FROM '{file}' WHERE {INSIDE}")

    def of_duckdb(what: str) -> Any:
        return database.sql(f"SELECT {what} FROM '{address}' WHERE {INSIDE}").fetchall()[0]

    def nearest() -> bool:
        found = database.sql(NEAREST.format(address)).fetchall()
        return [(distance, row) for distance, row, _ in found] == inside[:20]

    everything = f"SELECT sum(octet_length(code)), sum(row) FROM '{address}'"
    by_sql()  # it loads its libraries
    return {
        "tiles": tiles,
        "in the box, by the store": len(inside),
        "bytes of the file": file.stat().st_size,
        "seconds to write it": wrote,
        "rows and codes of all, DuckDB": counted(
            lambda: database.sql(everything).fetchall()[0][0] == tiles * BITS // 8, server
        ),
        "how many in the box, DuckDB": counted(lambda: of_duckdb("count(*)")[0], server),
        "rows and codes in the box, DuckDB": counted(
            lambda: of_duckdb("count(row), sum(octet_length(code))")[0], server
        ),
        "the 20 nearest in the box are the store's, DuckDB": counted(nearest, server),
        "rows and codes in the box, pyarrow": counted(of_pyarrow, server),
        "rows and codes in the box, GDAL's own filter": counted(by_box, None),
        "rows and codes in the box, GDAL's option SQL": counted(by_sql, None),
    }


if __name__ == "__main__":
    main()

"""What does an engine cost and give: load, memory, and searches beside those of a store?

python benchmarks/engines.py [PART ...] [--tiles 1000000] [--stations 4] [--clients 16]
                             [--searches 100] [--folder FOLDER] [--engines milvus postgres]

Stations of as many scenes each (codes loosely clustered, footprints, times) are made as stores,
pushed to a Milvus server and to a PostgreSQL, both of which it starts on loopback, and searched
there and in one store that has all of them. Every hit is compared with the store's. Clients are
threads with a connection each. --json FILE keeps the figures.

Many tiles are done in pieces: `serve` starts the servers with their data in the folder, until it
is interrupted; meanwhile `load` pushes (interrupted, it goes on), `check` compares hits, `search`
takes times. Without a part: all three.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from search_archives import draw

sys.path.insert(0, str(Path(__file__).parents[1]))

from scenehash import CodeStore, EngineStore, Filter, push
from scenehash.codes import Codes
from scenehash.scenes import Window
from scenehash.store import HashedScene, Searchable, SearchRequest
from tests.scenehash.engines.servers import Milvus, Postgres

TILES_A_SCENE, SCENES_TOGETHER = 100, 200
K, COMPARED = 20, 50
BITS, LINEAGE = 64, "benchmark0000000"
# About 1 % of the tiles.
BOX = Filter(bbox=(0.0, 0.0, 30.0, 16.0))
# What whoever has a table of some GB sets, on two cores.
POSTGRES = {
    "shared_buffers": "4GB",
    "max_wal_size": "8GB",
    "max_parallel_workers_per_gather": "2",
    "fsync": "on",
}


def make_stores(folder: Path, tiles: int, stations: int) -> list[Path]:
    """A store a station, and one of all, whose name is "all"; those that are there are taken."""
    paths = [folder / f"station-{number}" for number in range(stations)]
    if (folder / "made").exists():
        return paths
    codes, _ = draw("loose", BITS, tiles, 0, None)
    rng = np.random.default_rng(0)
    ring = np.array([[0, 1], [1, 1], [1, 0], [0, 0]])
    grid = np.array([(x, y) for y in range(10) for x in range(10)])
    opened = [CodeStore.open_or_create(path, LINEAGE, BITS, "benchmark") for path in paths]
    every = CodeStore.open_or_create(folder / "all", LINEAGE, BITS, "benchmark")
    for number, store in enumerate(opened):
        store.name_station(f"station-{number}")
    scenes = tiles // TILES_A_SCENE
    for number, store in enumerate(opened):
        group: list[HashedScene] = []
        for scene in range(number * scenes // stations, (number + 1) * scenes // stations):
            corner = rng.uniform([-179, -70], [178, 70])
            footprints = (corner + 0.02 * (grid[:, None] + ring)).astype(np.float64)
            own = codes[scene * TILES_A_SCENE : (scene + 1) * TILES_A_SCENE]
            group.append(
                HashedScene(
                    rng.bytes(16).hex(),
                    f"/archive/{number}/{scene}.tif",
                    [Window(256 * x, 256 * y, 256, 256) for x, y in grid.tolist()],
                    own,
                    datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=scene),
                    footprints,
                    [f"kind-{scene % 7}"],
                )
            )
            if len(group) == SCENES_TOGETHER:
                store.add(group)
                every.add(group)
                group = []
        store.add(group)
        every.add(group)
        store.close()
    every.build_index()
    every.close()
    (folder / "made").touch()
    return paths


def make_queries(path: Path, count: int) -> Codes:
    """Codes of stored tiles, of which one bit in 16 is turned."""
    rng = np.random.default_rng(1)
    with CodeStore.open(path) as store:
        codes = np.array(store.codes(rng.choice(store.rows, count, replace=False)))
    return codes ^ np.packbits(rng.integers(0, 16, (count, BITS)) == 0, axis=1)


def memory(pids: Sequence[int]) -> float:
    """Megabytes that processes hold, shared pages once."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def most_memory(pid: int) -> int:
    """Megabytes that a process held at most, without those that it started."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024


def children(parent: int) -> list[int]:
    """A process and all below it."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    below = [int(line) for line in found.stdout.split()]
    return [parent, *(pid for child in below for pid in children(child))]


def timed(open_: Callable[[], Searchable], codes: Codes, where: Filter | None, clients: int) -> Any:
    """Milliseconds of searches, one for each code, and searches a second, of clients at once."""
    times: list[float] = []
    started = threading.Barrier(clients + 1)
    each = max(len(codes) // clients, 8)

    def ask(number: int) -> None:
        store = open_()
        store.search_any(SearchRequest(codes[:1], K, where=where))
        started.wait()
        for at in range(each):
            query = codes[(number * each + at) % len(codes)][None]
            begun = time.perf_counter()
            store.search_any(SearchRequest(query, K, where=where))
            times.append(1e3 * (time.perf_counter() - begun))
        store.close()  # type: ignore[attr-defined]

    threads = [threading.Thread(target=ask, args=[number]) for number in range(clients)]
    for thread in threads:
        thread.start()
    started.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    p50, p95 = np.percentile(times, [50, 95])
    return {
        "p50_ms": round(float(p50), 2),
        "p95_ms": round(float(p95), 2),
        "per_second": round(len(times) / took, 1),
    }


def searches(
    open_: Callable[[], Searchable], codes: Codes, clients: int
) -> Iterator[tuple[str, Any]]:
    for name, where, many in (
        ("one client", None, 1),
        ("one client, box of 1 %", BOX, 1),
        (f"{clients} clients", None, clients),
    ):
        yield name, timed(open_, codes, where, many)


def same_hits(engine: Searchable, store: Searchable, codes: Codes) -> int:
    """How many of the queries give other distances or scenes than the store's."""
    wrong = 0
    for code in codes:
        for where in (None, BOX):
            request = SearchRequest(code[None], K, where=where)
            ours, theirs = (
                [(hit.distance, hit.scene, hit.window) for hit in found.search_any(request)[0]]
                for found in (store, engine)
            )
            wrong += ours != theirs
    return wrong


def load(address: str, server: int, paths: Sequence[Path]) -> Iterator[tuple[str, Any]]:
    """Push each station, and again when all are there."""
    yield "MB before", round(memory(children(server)))
    pushed, took = 0, 0.0
    for path in paths:
        begun = time.perf_counter()
        pushed += push(path, address).tiles_pushed
        took += time.perf_counter() - begun
        yield f"{path.name}, MB", round(memory(children(server)))
    yield "tiles pushed", pushed
    yield "tiles pushed a second", round(pushed / took)
    begun = time.perf_counter()
    for path in paths:
        push(path, address)
    yield "second push, seconds", round(time.perf_counter() - begun, 1)
    yield "load of the machine", os.getloadavg()[1]
    yield "MB after, and at most", [round(memory(children(server))), most_memory(server)]


def check(address: str, store: Path, queries: Codes) -> Iterator[tuple[str, Any]]:
    with EngineStore.open(address) as found, CodeStore.open(store) as opened:
        yield "tiles", len(found)
        yield "queries compared, with other hits than a store", same_hits(found, opened, queries)


@contextlib.contextmanager
def serving(folder: Path, names: Sequence[str]) -> Iterator[dict[str, tuple[str, int]]]:
    """Addresses and processes of servers, whose data are in a folder and stay there."""
    with contextlib.ExitStack() as stack:
        found: dict[str, tuple[str, int]] = {}
        if "milvus" in names:
            milvus = Milvus(folder)
            stack.callback(milvus.stop)
            found["milvus"] = f"{milvus.address}/bench", milvus.server.server_proc.pid
        if "postgres" in names:
            postgres = Postgres(folder / "postgres", POSTGRES)
            stack.callback(postgres.stop)
            pid = int((postgres.folder / "data" / "postmaster.pid").read_text().split()[0])
            found["postgres"] = f"{postgres.address}/bench", pid
        yield found


def serve(folder: Path, names: Sequence[str]) -> None:
    """Servers for the parts that other processes do, until this one is interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    known = {name: folder / f"{name}.json" for name in names}
    with serving(folder, names) as servers, contextlib.suppress(KeyboardInterrupt):
        for name, file in known.items():
            file.write_text(json.dumps(servers[name]))
        print(servers, flush=True)
        signal.pause()
    for file in known.values():
        file.unlink()


def told(figures: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    """Figures, each printed when it is known."""
    found = {}
    for name, value in figures:
        print(f"{name}: {value}", file=sys.stderr, flush=True)
        found[name] = value
    return found


def measured(
    parts: Sequence[str], servers: dict[str, tuple[str, int]], args: argparse.Namespace
) -> dict[str, Any]:
    begun = time.perf_counter()
    paths = make_stores(args.folder, args.tiles, args.stations)
    every = args.folder / "all"
    queries = make_queries(every, args.searches)
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]}",
        "stores made, seconds": round(time.perf_counter() - begun),
    }
    if "search" in parts:
        result["a store"] = told(searches(lambda: CodeStore.open(every), queries, args.clients))
    for name in args.engines:
        address, server = servers[name]
        figures = result[name] = {}
        if "load" in parts:
            figures |= told(load(address, server, paths))
        if "check" in parts:
            figures |= told(check(address, every, queries[:COMPARED]))
        if "search" in parts:
            open_ = partial(EngineStore.open, address)
            figures |= told(searches(open_, queries, args.clients))
            figures["MB after searches"] = round(memory(children(server)))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help="serve, load, check, search")
    parser.add_argument("--tiles", type=int, default=1_000_000)
    parser.add_argument("--stations", type=int, default=4)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="keep all here, and take it again")
    parser.add_argument("--engines", nargs="*", default=["milvus", "postgres"])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    parts = args.parts or ["load", "check", "search"]
    if wrong := {*parts} - {"serve", "load", "check", "search"}:
        parser.error(f"no such part as {min(wrong)}")
    with tempfile.TemporaryDirectory(prefix="scenehash-engines-") as folder:
        # The user postgres has data there, too.
        Path(folder).chmod(0o755)
        args.folder = args.folder or Path(folder)
        args.folder.mkdir(parents=True, exist_ok=True)
        if "serve" in parts:
            serve(args.folder, args.engines)
            return
        known = {name: args.folder / f"{name}.json" for name in args.engines}
        served = {name for name, file in known.items() if file.exists()}
        servers = {name: json.loads(known[name].read_text()) for name in served}
        with contextlib.ExitStack() as stack:
            others = [name for name in args.engines if name not in served]
            servers |= stack.enter_context(serving(args.folder, others))
            text = json.dumps(measured(parts, servers, args), indent=2)
    print(text)
    if args.json is not None:
        args.json.write_text(text + "\n")


if __name__ == "__main__":
    main()

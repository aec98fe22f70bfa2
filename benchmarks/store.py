"""What does a store cost: to append to, to open, to read while another writes?

python benchmarks/store.py append [--rows 1000000]     beside bare flushes of the same bytes
python benchmarks/store.py open [--rows 10000000]      time and memory of opening and searching
python benchmarks/store.py readers [--seconds 60]      beside a loop that reads nothing
python benchmarks/store.py filters [--rows 1000000]    beside a search without a filter
python benchmarks/store.py reopen [--seconds 60]       is a store reported damaged that is not?
"""

import argparse
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
from peak_memory import peak_bytes

from scenehash import CodeStore
from scenehash.codes import Codes
from scenehash.errors import ScenehashError
from scenehash.scenes import Window
from scenehash.store import Filter, HashedScene, SearchRequest

MEBIBYTE = 1 << 20
LINEAGE, BITS = "a" * 16, 64
BATCH = 1000
LOOP = 20_000
SIDE = 32
WINDOWS = [Window(256 * (tile % SIDE), 256 * (tile // SIDE), 256, 256) for tile in range(BATCH)]
STEP = 0.001
GRID = np.stack([np.arange(BATCH) % SIDE, np.arange(BATCH) // SIDE], axis=1) * STEP
CORNERS = GRID[:, None] + np.array([[0, 0], [STEP, 0], [STEP, STEP], [0, STEP]])


def scenes(rows: int, tiles: int) -> Iterator[list[HashedScene]]:
    """Batches of 1,000 tiles with footprints, in scenes of so many tiles each."""
    rng = np.random.default_rng(0)
    for start in range(0, rows, BATCH):
        corners = CORNERS + rng.uniform([-180, -80], [179, 79])
        codes = rng.integers(0, 256, (BATCH, BITS // 8), np.uint8)
        yield [
            HashedScene(
                f"{start + at:032x}",
                f"/scenes/{start + at}.tif",
                WINDOWS[at : at + tiles],
                codes[at : at + tiles],
                footprints=corners[at : at + tiles],
            )
            for at in range(0, BATCH, tiles)
        ]


def new_store(folder: str | Path) -> CodeStore:
    return CodeStore.create(Path(folder) / "s", LINEAGE, BITS, "a-model")


def append(rows: int) -> None:
    """Rows a second, durable at each 1,000, and how much of that is waiting for the disk."""
    for tiles in (BATCH, 1):
        with tempfile.TemporaryDirectory(dir=".") as folder, new_store(folder) as store:
            count = rows if tiles > 1 else rows // 10
            taken, flushes = [], []
            with (Path(folder) / "bare").open("wb") as bare:
                for batch in scenes(count, tiles):
                    started = time.perf_counter()
                    store.add(batch)
                    taken.append(time.perf_counter() - started)
                    # A store flushes twice a batch: its codes, and the catalog's log.
                    started = time.perf_counter()
                    for size in (BATCH * BITS // 8, 100 * BATCH):
                        bare.write(bytes(size))
                        bare.flush()
                        os.fsync(bare.fileno())
                    flushes.append(time.perf_counter() - started)
            low, median, high = 1e3 * np.percentile(taken, (25, 50, 75))
            print(
                f"{count:,} rows, scenes of {tiles} tiles, batches of {BATCH}: "
                f"{count / sum(taken):,.0f} rows/s; "
                f"a batch {median:.1f} ms ({low:.1f}-{high:.1f}); "
                f"two bare flushes of as many bytes {1e3 * np.median(flushes):.1f} ms"
            )


def fill(folder: Path, rows: int) -> None:
    """A store of that many rows, added in large batches."""
    with new_store(folder) as store:
        some: list[HashedScene] = []
        for batch in scenes(rows, BATCH):
            some += batch
            if len(some) == 100:
                store.add(some)
                some = []
        store.add(some)
        store.build_index()


def use(folder: Path, said: Connection) -> None:
    """Open and search, in a process of its own; say the seconds and the memory that it took."""
    base = peak_bytes() / MEBIBYTE
    started = time.perf_counter()
    store = CodeStore.open(folder / "s")
    opened = time.perf_counter() - started
    queries = np.random.default_rng(1).integers(0, 256, (50, BITS // 8), np.uint8)
    taken = []
    for query in queries:
        started = time.perf_counter()
        store.search(query[np.newaxis], 20)
        taken.append(time.perf_counter() - started)
    peak = peak_bytes() / MEBIBYTE
    started = time.perf_counter()
    damage = store.verify()
    said.send((opened, taken, peak - base, len(store), damage, time.perf_counter() - started))


def opening(rows: int) -> None:
    """Seconds to open, to the first hits, and later; memory beside codes and index."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        fill(Path(folder), rows)
        sizes = {path: path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()}
        index = sum(size for path, size in sizes.items() if path.parent.name == "index")
        spawn = multiprocessing.get_context("spawn")
        said, saying = spawn.Pipe(duplex=False)
        process = spawn.Process(target=use, args=(Path(folder), saying))
        process.start()
        opened, taken, memory, tiles, damage, verified = said.recv()
        process.join()
    codes = rows * BITS // 8
    print(f"{tiles:,} tiles; catalog and all: {sum(sizes.values()) / rows:.0f} bytes a row")
    print(f"open {1e3 * opened:.1f} ms; first search {1e3 * taken[0]:.1f} ms, ", end="")
    print(f"median of {len(taken)} {1e3 * np.median(taken):.2f} ms")
    print(f"memory {memory:.0f} MiB: codes {codes >> 20}, index {index >> 20} MiB, and the rest")
    print(f"verify {verified:.1f} s: {damage or 'all good'}")


def read(folder: Path, seed: int, over: Event, said: Connection) -> None:
    draw = random.Random(seed)
    taken, loops, wrong = [], [], 0
    with CodeStore.open(folder / "s") as store:
        while not over.is_set():
            started = time.perf_counter()
            store.refresh()
            row = draw.randrange(store.rows)
            hits = store.search(store.codes(np.array([row])), 5)[0]
            taken.append(time.perf_counter() - started)
            # As much work that touches no store: it is put off, too, where cores are few.
            started = time.perf_counter()
            sum(range(LOOP))
            loops.append(time.perf_counter() - started)
            wrong += hits[0].distance != 0 or row not in {hit.row for hit in hits}
    said.send((taken, loops, wrong))


def readers(seconds: float) -> None:
    """The time of a refresh and a search, with a writer beside four readers and without."""
    for writing in (False, True):
        with tempfile.TemporaryDirectory(dir=".") as folder, new_store(folder) as store:
            batches = scenes(10_000_000, BATCH)
            store.add(next(batches))
            fork = multiprocessing.get_context("fork")
            over, pipes = fork.Event(), []
            for seed in range(4):
                said, saying = fork.Pipe(duplex=False)
                fork.Process(target=read, args=(Path(folder), seed, over, saying)).start()
                pipes.append(said)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                if writing:
                    store.add(next(batches))
                time.sleep(0.01)
            over.set()
            results = [said.recv() for said in pipes]
            taken = 1e3 * np.concatenate([one for one, _, _ in results])
            loops = 1e3 * np.concatenate([one for _, one, _ in results])
            low, high = np.percentile(taken, (50, 99))
            print(
                f"{'one writer and ' if writing else ''}four readers, {seconds:.0f} s: "
                f"{len(taken):,} searches, {sum(bad for *_, bad in results)} wrong; "
                f"median {low:.2f} ms, p99 {high:.2f} ms, worst {taken.max():.1f} ms; "
                f"a loop of {np.median(loops):.2f} ms between them {loops.max():.1f} ms at worst; "
                f"{store.rows:,} rows at the end"
            )


def open_again(folder: Path, over: Event, said: Connection) -> None:
    """Open and search, again and again; say how often, and what was refused or wrong."""
    opened, wrong = 0, []
    query = np.zeros((1, BITS // 8), np.uint8)
    while not over.is_set():
        try:
            with CodeStore.open(folder / "s") as store:
                (hits,) = store.search(query, 5)
                order = [(hit.distance, hit.row) for hit in hits]
                if order != sorted(order) or len(order) != 5:
                    wrong.append(f"hits {order}")
            opened += 1
        except ScenehashError as error:
            wrong.append(f"{type(error).__name__}: {error}")
    said.send((opened, wrong))


def reopen(seconds: float) -> None:
    """Eight readers that open the store again and again beside a writer: how many are refused."""
    with tempfile.TemporaryDirectory(dir=".") as folder, new_store(folder) as store:
        batches = scenes(10_000_000, 10)
        store.add(next(batches))
        fork = multiprocessing.get_context("fork")
        over, pipes = fork.Event(), []
        for _ in range(8):
            said, saying = fork.Pipe(duplex=False)
            fork.Process(target=open_again, args=(Path(folder), over, saying)).start()
            pipes.append(said)
        commits, deleted, until = 0, 0, time.monotonic() + seconds
        while time.monotonic() < until:
            for scene in next(batches)[:20]:
                store.add([scene])
                commits += 1
            deleted += store.delete(Filter(scene=f"/scenes/{10 * deleted}.tif"))
            if deleted % 20 == 0:
                store.compact()
        over.set()
        answers = [said.recv() for said in pipes]
        wrong = [line for _, lines in answers for line in lines]
        print(
            f"one writer and eight readers, {seconds:.0f} s: {commits:,} commits, "
            f"{sum(opened for opened, _ in answers):,} times opened, "
            f"{len(wrong)} refused or wrong; "
            f"verify: {store.verify() or 'all good'}"
        )
        for line in wrong[:5]:
            print(line)


def filters(rows: int) -> None:
    """The time of a filtered search beside that of one without, first and again, by its share."""
    wheres = {
        "without": None,
        "bbox, half of the Earth": Filter(bbox=(0, -90, 180, 90)),
        "bbox, a tenth": Filter(bbox=(0, -90, 36, 90)),
        "bbox, a thirtieth": Filter(bbox=(0, -90, 12, 90)),
        "bbox, a few scenes": Filter(bbox=(10, 10, 15, 15)),
        "bbox, within a scene": Filter(bbox=(10, 10, 10.1, 10.1)),
        "near, 500 km": Filter(near=(20.0, 20.0, 500.0)),
        "newer than the middle": Filter(newer_than=rows // 2),
        "one scene": Filter(scene="/scenes/5000.tif"),
    }
    queries = np.random.default_rng(1).integers(0, 256, (40, 1, BITS // 8), np.uint8)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        fill(Path(folder), rows)
        print(f"{rows:,} tiles in scenes of {BATCH}; milliseconds, medians of {len(queries)}")
        with CodeStore.open(Path(folder) / "s") as store:
            for _ in range(50):  # until the index is in use
                store.search(queries[0], 20)
            compare(store, wheres, queries)
            if store._snapshot.index.warm() != "numpy":
                compare(store, wheres, queries)


def compare(store: CodeStore, wheres: dict[str, Filter | None], queries: Codes) -> None:
    """Print the times of searches for queries [N, 1, K/8] by each filter, those of one in turn.

    first: by a filter that is new. again: the time after.
    """
    snapshot = store._snapshot
    taken: dict[str, tuple[list[float], ...]] = {name: ([], []) for name in wheres}
    for query in queries:
        for name, where in wheres.items():
            snapshot._selected.clear()
            for times in taken[name]:
                times.append(searching(store, query, where))
    by = store.search_explained(SearchRequest(queries[0], 20))[1].kernels
    print(f"by {by:21} {'tiles':>9}   first   again       times those without")
    without = np.median(taken["without"], axis=1)
    for name, where in wheres.items():
        count = len(store) if where is None else len(snapshot._positions_where(where))
        medians = np.median(taken[name], axis=1)
        print(f"{name:24} {count:9,}", end="")
        print("".join(f"{median:8.2f}" for median in medians), end="  ")
        print("".join(f"{ratio:8.2f}" for ratio in medians / without))


def searching(store: CodeStore, query: Codes, where: Filter | None) -> float:
    """Milliseconds that a search takes."""
    started = time.perf_counter()
    store.search(query, 20, where=where)
    return 1e3 * (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["append", "open", "readers", "reopen", "filters"])
    parser.add_argument("--rows", type=int)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    if arguments.what == "append":
        append(arguments.rows or 1_000_000)
    elif arguments.what == "open":
        opening(arguments.rows or 10_000_000)
    elif arguments.what == "reopen":
        reopen(arguments.seconds)
    elif arguments.what == "filters":
        filters(arguments.rows or 1_000_000)
    else:
        readers(arguments.seconds)


if __name__ == "__main__":
    main()

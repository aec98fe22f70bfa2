"""How long does an exact search take, beside FAISS and usearch, and how much memory?

Every cell is one archive: its size, width and spread. In it scenehash and FAISS's scan take turns,
query by query, in one process with the same number of threads, so that a busy machine slows both
alike; every answer is compared with brute force. Cells that are in the results file are not
measured again.

    python benchmarks/search.py             every cell up to 10 M codes: hours, mostly the peers'
    python benchmarks/search.py --quick     two minutes
    python benchmarks/search.py --memory    index size, build and peak memory at 10 M codes
    python benchmarks/search.py --report    docs/search.md and docs/search.png from the results
"""

import itertools
import json
import math
import os
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import search_archives as archives
import search_memory
import search_report
import typer
from search_peers import PEERS, Search, TooSlowError, set_threads

from scenehash.codes import Codes
from scenehash.index import CodeIndex, kernel_loader
from scenehash.index.words import as_words, distances

OURS = "scenehash"
DATA = Path(os.environ.get("SCENEHASH_DATA", Path(__file__).parents[2] / "shared" / "data"))
DOCS = Path(__file__).parents[1] / "docs"


def main(
    sizes: Annotated[str, typer.Option(help="Codes, in thousands.")] = "10,100,1000,10000",
    bits: Annotated[str, typer.Option(help="Widths of a code.")] = "64,32,128,256",
    spreads: Annotated[str, typer.Option(help="Kinds of archive.")] = "uniform,loose,tight,real",
    peers: Annotated[str, typer.Option(help="Whom to measure beside.")] = ",".join(PEERS),
    k: int = 20,
    threads: int = 1,
    kernels: Annotated[str, typer.Option(help="Whose loops: numba or numpy.")] = "numba",
    budget: Annotated[float, typer.Option(help="Seconds a peer may take for a cell.")] = 20.0,
    seed: int = 0,
    results: Annotated[Path, typer.Option(help="JSON lines, a cell each.")] = Path("search.jsonl"),
    quick: Annotated[bool, typer.Option("--quick", help="1 M codes of 64 bits.")] = False,
    memory: Annotated[bool, typer.Option("--memory", help="Memory and building.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Write docs from results.")] = False,
) -> None:
    """Measure exact search beside its peers."""
    if report:
        search_report.write(results, DOCS)
        return
    if memory:
        search_memory.measure_all(spreads.split(","), int(sizes.split(",")[-1]) * 1000, results)
        return
    if quick:
        sizes, bits, peers, results = "1000", "64", "FAISS flat", Path(os.devnull)
    set_threads(threads)
    if kernels == "numpy":
        # Long searches would load the compiled loops.
        kernel_loader.PATIENCE = math.inf
    settings = {"k": k, "threads": threads, "seed": seed, "kernels": kernels}
    done = search_report.cells(results)
    for size, width, spread in itertools.product(
        map(int, sizes.split(",")), map(int, bits.split(",")), spreads.split(",")
    ):
        cell = {"rows": size * 1000, "bits": width, "spread": spread, **settings}
        if any(cell.items() <= known.items() for known in done):
            continue
        centres = None
        if spread == "real":
            centres = archives.real_codes(DATA, Path(f"{results}.real.npy") if not quick else None)
            # Leading bits are codes on their own.
            centres = None if centres is None else centres[:, : cell["bits"] // 8]
        measured = cell | measure(cell, centres, peers.split(","), budget)
        with results.open("a") as file:
            file.write(json.dumps(measured) + "\n")
        search_report.show(measured)


def measure(
    cell: dict[str, Any], centres: Codes | None, peers: list[str], budget: float
) -> dict[str, Any]:
    """Everything about one cell: seconds by query kind and name, what was skipped, correctness."""
    if cell["spread"] == "real" and (centres is None or centres.shape[1] * 8 != cell["bits"]):
        return {"skipped": {OURS: "no images, or the shipped model has another width"}}
    codes, queries = archives.draw(
        cell["spread"], cell["bits"], cell["rows"], cell["seed"], centres
    )
    stored = codes[np.random.default_rng(cell["seed"]).integers(0, len(codes), len(queries))]
    index = CodeIndex(codes)
    started = time.perf_counter()
    index.build()
    built = time.perf_counter() - started
    if cell["kernels"] == "numba" and index.warm() != "numba":
        return {"skipped": {OURS: "numba is not installed"}}
    k, threads = cell["k"], cell["threads"]
    searches: dict[str, Search] = {OURS: lambda some: index.search(some, k, threads=threads)}
    skipped: dict[str, str] = {}
    for name in peers:
        try:
            searches[name] = PEERS[name](codes, k, threads, budget)
        except TooSlowError as error:
            skipped[name] = str(error)
    kinds = {"single": queries, "stored": stored}
    seconds = {kind: singles(searches, some, budget, skipped) for kind, some in kinds.items()}
    seconds["batch"] = batches(searches, queries, budget, skipped)
    checked = 64 if len(codes) <= 1_000_000 else 16
    exact = {
        name: check(codes, queries[:8], k, run, rows_too=False)
        for name, run in searches.items()
        if name != OURS
    }
    both = np.concatenate([queries[:checked], stored[:checked]])
    exact[OURS] = check(codes, both, k, searches[OURS], rows_too=True)
    return {
        "seconds": seconds,
        "skipped": skipped,
        "exact": exact,
        "build_seconds": built,
        "bytes_per_row": index.nbytes / len(codes),
        "plans": index.search_explained(queries, k)[2].plans,
    }


def singles(
    searches: dict[str, Search], queries: Codes, budget: float, skipped: dict[str, str]
) -> dict[str, list[float]]:
    """Seconds of each query alone; a name out of budget drops out.

    scenehash and FAISS's scan take turns. The others, of which some take a hundred times as long
    and leave nothing of anyone's in the caches, come after them, each by itself.
    """
    taken: dict[str, list[float]] = {name: [] for name in searches}
    pair = [name for name in (OURS, "FAISS flat") if name in searches]
    for group in [pair, *([name] for name in searches if name not in pair)]:
        for number in range(-2, len(queries)):  # two to warm up
            for name in group:
                if sum(taken[name]) > budget / 4:
                    skipped[name] = f"stopped after {len(taken[name])} single queries"
                    continue
                query = queries[max(0, number)][None]
                started = time.perf_counter()
                searches[name](query)
                if number >= 0:
                    taken[name].append(time.perf_counter() - started)
    return taken


def batches(
    searches: dict[str, Search], queries: Codes, budget: float, skipped: dict[str, str]
) -> dict[str, list[float]]:
    """Seconds a query in a batch of all queries, five times, all names in turn."""
    taken: dict[str, list[float]] = {}
    for _ in range(5):
        for name, run in searches.items():
            if sum(taken.get(name, [])) * len(queries) > budget / 4 or name in skipped:
                continue
            started = time.perf_counter()
            run(queries)
            taken.setdefault(name, []).append((time.perf_counter() - started) / len(queries))
    return taken


def check(codes: Codes, queries: Codes, k: int, run: Search, rows_too: bool) -> float:
    """What part of the answers is that of brute force: distances, and rows where ties are ruled."""
    words, right = as_words(codes), 0
    for number, query in enumerate(as_words(queries)):
        every = np.concatenate(
            [distances(words[at : at + 65_536], query) for at in range(0, len(words), 65_536)]
        )
        kth = np.partition(every, k - 1)[k - 1]
        near = np.flatnonzero(every <= kth)
        rows = near[np.argsort(every[near], kind="stable")][:k]
        got_distances, got_rows = run(queries[number : number + 1])
        right += np.array_equal(got_distances[0], every[rows]) and (
            not rows_too or np.array_equal(got_rows[0], rows)
        )
    return right / len(queries)


if __name__ == "__main__":
    typer.run(main)

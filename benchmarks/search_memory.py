"""What an index takes: bytes a row, seconds and memory to build, memory of a search."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import search_archives as archives
from peak_memory import peak_bytes

from scenehash.index import CodeIndex

LIMIT_MB = 100  # that a search may take beside codes and index


def measure_all(spreads: list[str], rows: int, results: Path) -> None:
    """Build and search in fresh processes, for each spread at 64 bits; append to the results."""
    for spread in spreads:
        if spread == "real":  # as the others for memory
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            codes, queries = archives.draw(spread, 64, rows, 0, None)
            codes.tofile(folder / "codes.bin")
            np.save(folder / "queries.npy", queries)
            del codes
            built, searched, alone = (_fresh(step, folder) for step in ("build", "search", "bare"))
            size = sum(path.stat().st_size for path in (folder / "index").iterdir())
        measured = {
            "memory": spread,
            "rows": rows,
            "codes_mb": rows * 8 / 1e6,
            "index_mb": size / 1e6,
            "bytes_per_row": size / rows,
            "build_seconds": built["seconds"],
            "build_peak_mb": built["peak_mb"],
            "search_peak_mb": searched["peak_mb"],
            "python_and_numpy_mb": alone["peak_mb"],
            "limit_mb": rows * 8 / 1e6 + size / 1e6 + LIMIT_MB,
            "open_seconds": searched["open_seconds"],
        }
        with results.open("a") as file:
            file.write(json.dumps(measured) + "\n")
        print(json.dumps(measured, indent=1))


def _fresh(step: str, folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, step, str(folder)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def _main(step: str, folder: Path) -> None:
    measured: dict[str, float] = {}
    if step != "bare":
        codes = np.memmap(folder / "codes.bin", np.uint8, "r").reshape(-1, 8)
        started = time.perf_counter()
        index = CodeIndex(codes, folder=folder / "index")
        measured["open_seconds"] = time.perf_counter() - started
        if step == "build":
            index.build()
        else:
            queries = np.load(folder / "queries.npy")
            for _ in range(2):  # the second time with the index checked and in use
                index.search(queries, 20)
        measured["seconds"] = time.perf_counter() - started
    measured["peak_mb"] = peak_bytes() / 1e6
    print(json.dumps(measured))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))

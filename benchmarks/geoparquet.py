"""How much of an exported GeoParquet is read for a box that has 1 % of its tiles?

python benchmarks/geoparquet.py [--tiles 10000000] [--folder FOLDER]

A store of so many tiles, as benchmarks/engines.py makes it or has made it in a folder, is exported.
DuckDB and pyarrow then ask for the tiles in a box, and for the nearest to a code in it, through a
file that counts the bytes which are read.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset
from engines import BOX, make_stores
from fsspec.implementations.local import LocalFileOpener, LocalFileSystem

from scenehash import CodeStore
from scenehash.report.geoparquet import write_geoparquet

WEST, SOUTH, EAST, NORTH = BOX.bbox or (0.0, 0.0, 0.0, 0.0)
INSIDE = (
    f"bbox.xmin <= {EAST} AND bbox.xmax >= {WEST} AND bbox.ymin <= {NORTH} AND bbox.ymax >= {SOUTH}"
)
NEAREST = (
    "SELECT bit_count(xor(code::BIT, from_hex('00ff00ff00ff00ff')::BIT)) AS distance, row, scene "
    "FROM '{}' WHERE " + INSIDE + " ORDER BY distance, row LIMIT 20"
)


class Counting(LocalFileSystem):  # type: ignore[misc]
    """Files of this machine, whose bytes are counted as they are read."""

    protocol = "counting"
    read = 0

    def _open(self, path: str, mode: str = "rb", **more: Any) -> Any:
        return CountedFile(path, mode, fs=self, **more)


class CountedFile(LocalFileOpener):  # type: ignore[misc]
    """A file that counts."""

    def read(self, size: int = -1) -> bytes:
        data: bytes = self.f.read(size)
        Counting.read += len(data)
        return data


def counted(ask: Any) -> dict[str, Any]:
    """What a question gives, the bytes that it reads, and its seconds."""
    Counting.read = 0
    began = time.perf_counter()
    found = ask()
    return {
        "found": found,
        "bytes": Counting.read,
        "seconds": round(time.perf_counter() - began, 2),
    }


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
        if not file.exists():
            with CodeStore.open(folder / "all") as store:
                write_geoparquet(store, file)
        wrote = time.perf_counter() - began
        files = Counting(skip_instance_cache=True)
        database = duckdb.connect()
        database.register_filesystem(files)
        address = f"counting://{file}"

        def tiles_of_pyarrow() -> int:
            tiles = pyarrow.dataset.dataset(str(file), filesystem=files)
            side = {one: pyarrow.dataset.field("bbox", one) for one in ("xmin", "xmax")}
            height = {one: pyarrow.dataset.field("bbox", one) for one in ("ymin", "ymax")}
            inside = (side["xmin"] <= EAST) & (side["xmax"] >= WEST)
            inside &= (height["ymin"] <= NORTH) & (height["ymax"] >= SOUTH)
            return int(tiles.to_table(columns=["row", "code"], filter=inside).num_rows)

        def one(query: str) -> Any:
            return database.sql(query).fetchall()

        count = f"SELECT count(*) FROM '{address}' WHERE {INSIDE}"
        codes = (
            f"SELECT sum(octet_length(code)), count(DISTINCT row) FROM '{address}' WHERE {INSIDE}"
        )
        print(
            json.dumps(
                {
                    "tiles": args.tiles,
                    "bytes of the file": file.stat().st_size,
                    "seconds to write it": round(wrote),
                    "rows and codes of all, DuckDB": counted(
                        lambda: one(f"SELECT sum(octet_length(code)), sum(row) FROM '{address}'")
                    ),
                    "how many in the box, DuckDB": counted(lambda: one(count)),
                    "rows and codes in the box, DuckDB": counted(lambda: one(codes)),
                    "the 20 nearest in the box, DuckDB": counted(
                        lambda: len(one(NEAREST.format(address)))
                    ),
                    "rows and codes in the box, pyarrow": counted(tiles_of_pyarrow),
                },
                indent=2,
            )
        )


if __name__ == "__main__":
    main()

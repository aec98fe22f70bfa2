"""How often does a crop of a stored scene find the tile that it overlaps most?

    python benchmarks/crops.py SCENES... [--crops 200] [--overlap 0.8] [--model M.onnx]

Scenes are ingested into a store of their own. A crop is a tile moved at random, so that it shares
at least so much of its area with the tile; it is found when that tile is at rank 1. Beside it: rank
1 in a store that looks at everything twice (--overlap 0.5 at ingest), and with a second look.
"""

import argparse
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from edge_runtime import CodeStore, HashModel
from edge_runtime.examples import search_by_examples
from edge_runtime.ingest import IngestOptions, ingest
from edge_runtime.query import Crop, read_query
from edge_runtime.scenes import Tiling, find_scenes, open_scene
from edge_runtime.store.records import SceneRecord


def moved(rng: np.random.Generator, record: SceneRecord, least: float) -> tuple[int, int, int, int]:
    """A window as large as one of a scene's tiles that shares enough of its area with it."""
    x, y, side, _ = record.windows[rng.integers(record.tiles)].tolist()
    with open_scene(Path(record.path)) as scene:
        height, width = scene.height, scene.width
    while True:
        across, down = rng.uniform(-1, 1, 2) * side * (1 - least)
        left, top = x + round(across), y + round(down)
        shared = max(0, side - abs(left - x)) * max(0, side - abs(top - y)) / side**2
        inside = 0 <= left <= width - side and 0 <= top <= height - side
        if inside and shared >= least:
            return left, top, side, side


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenes", nargs="+", type=Path)
    parser.add_argument("--crops", type=int, default=200)
    parser.add_argument("--overlap", type=float, default=0.8)
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()

    @cache
    def model() -> HashModel:
        return HashModel.load(arguments.model, threads=2)

    identity = (model().lineage, model().bits, model().card.name)
    files = find_scenes(arguments.scenes)
    for overlap in (0.0, 0.5):
        rng = np.random.default_rng(0)
        with (
            tempfile.TemporaryDirectory() as folder,
            CodeStore.create(Path(folder) / "s", *identity) as store,
        ):
            ingest(files, store, model(), IngestOptions(Tiling(overlap=overlap)))
            # A crop needs room to move in: scenes of one tile have none.
            records = [record for record, _ in store.scenes() if record.tiles > 1]
            shares = np.array([record.tiles for record in records], np.float64)
            found = {False: 0, True: 0}
            for _ in range(arguments.crops):
                record = records[rng.choice(len(records), p=shares / shares.sum())]
                window = moved(rng, record, arguments.overlap)
                query = read_query(record.path, store, model, Crop(window))
                best = _most_shared(record, window)
                for rerank in found:
                    hits = search_by_examples(store, [query], 1, rerank=rerank).hits
                    found[rerank] += hits[0].row in best
            print(
                f"{len(store)} tiles, overlap {overlap:g}: the tile that a crop shares most with "
                f"is at rank 1 for {found[False] / arguments.crops:.1%} of {arguments.crops} "
                f"crops, with a second look {found[True] / arguments.crops:.1%}"
            )


def _most_shared(record: SceneRecord, window: tuple[int, int, int, int]) -> set[int]:
    """Rows of a scene's tiles that share at least as much with a window as any other."""
    left, top, side, _ = window
    shared = np.maximum(0, side - np.abs(record.windows[:, 0] - left)) * np.maximum(
        0, side - np.abs(record.windows[:, 1] - top)
    )
    return {record.first_row + int(tile) for tile in np.flatnonzero(shared == shared.max())}


if __name__ == "__main__":
    main()

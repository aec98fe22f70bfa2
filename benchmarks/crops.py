"""How often does a crop of a stored scene find the tile that it overlaps most?

    python benchmarks/crops.py SCENES... [--among IMAGES...] [--crops 200] [--overlap 0.8]
                               [--model M.onnx]

Scenes are ingested into a store of their own. A crop is a tile moved at random, so that it shares
at least so much of its area with the tile; it is found when the tile that it shares most with is at
rank 1: by distance alone, re-ranked by the certainty of bits, by thumbnails (the default where
there are any), and by both, each with its time; and all that in a store of tiles that overlap by
half, too. Among: images that are stored as well, a tile each, and that no crop is taken of.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from scenehash import CodeStore, HashModel
from scenehash.ingestion import IngestOptions, ingest
from scenehash.retrieval.crop import Crop
from scenehash.retrieval.query import read_query
from scenehash.retrieval.search import search
from scenehash.scenes import Tiling, find_scenes, open_scene
from scenehash.store import SceneRecord

# By name: whether the store has thumbnails, and what is asked of a search.
ORDERS = {
    "by distance": (False, "none"),
    "certainty of bits": (False, "bits"),
    "thumbnails": (True, "thumbnails"),
    "both": (True, "bits"),
}


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
    parser.add_argument("--among", nargs="+", type=Path, default=[])
    parser.add_argument("--crops", type=int, default=200)
    parser.add_argument("--overlap", type=float, default=0.8)
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()
    model = HashModel.load(arguments.model, threads=1)
    for overlap in (0.0, 0.5):
        show_found(arguments, model, overlap)


def show_found(arguments: argparse.Namespace, model: HashModel, overlap: float) -> None:
    """Ingest with and without thumbnails, search with the same crops, print what was found."""
    identity = (model.lineage, model.bits, model.card.name)
    rng = np.random.default_rng(0)
    with (
        tempfile.TemporaryDirectory() as folder,
        CodeStore.create(Path(folder) / "plain", *identity) as plain,
        CodeStore.create(Path(folder) / "pictured", *identity) as pictured,
    ):
        pictured.keep_thumbnails()
        tiling = IngestOptions(Tiling(overlap=overlap))
        ingest(find_scenes(arguments.scenes), pictured, model, tiling)
        # A crop needs room to move in: scenes of one tile have none.
        records = [record for record, _ in pictured.scenes() if record.tiles > 1]
        if arguments.among:
            ingest(find_scenes(arguments.among), pictured, model, IngestOptions(Tiling(whole=True)))
        plain.merge(pictured)
        plain.keep_thumbnails(False)
        shares = np.array([record.tiles for record in records], np.float64)
        found, seconds = dict.fromkeys(ORDERS, 0), dict.fromkeys(ORDERS, 0.0)
        for _ in range(arguments.crops):
            record = records[rng.choice(len(records), p=shares / shares.sum())]
            window = moved(rng, record, arguments.overlap)
            query = read_query(record.path, plain, lambda: model, Crop(window))
            for name, (with_pictures, rerank) in ORDERS.items():
                store = pictured if with_pictures else plain
                started = time.perf_counter()
                hits = search(store, query, 1, rerank=rerank).hits
                seconds[name] += time.perf_counter() - started
                found[name] += hits[0].row in _most_shared(record, window)
        print(f"{len(plain)} tiles, overlap {overlap:g}, {arguments.crops} crops; at rank 1:")
        for name in ORDERS:
            share, each = found[name] / arguments.crops, 1000 * seconds[name] / arguments.crops
            print(f"  {name:18} {share:6.1%}  {each:6.1f} ms a query")


def _most_shared(record: SceneRecord, window: tuple[int, int, int, int]) -> set[int]:
    """Rows of a scene's tiles that share at least as much with a window as any other."""
    left, top, side, _ = window
    shared = np.maximum(0, side - np.abs(record.windows[:, 0] - left)) * np.maximum(
        0, side - np.abs(record.windows[:, 1] - top)
    )
    return {record.first_row + int(tile) for tile in np.flatnonzero(shared == shared.max())}


if __name__ == "__main__":
    main()

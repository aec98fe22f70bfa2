"""What does a change of model cost a store: time, memory, and a wait for those who search it?

python benchmarks/rehash.py vectors [--tiles 100000] [--tiles-a-scene 100]  # of kept vectors
python benchmarks/rehash.py scenes  [--tiles 100000] [--tiles-a-scene 100]  # of scenes

Scenes are mosaics of the demo's tiles, 128 pixels a tile. Their codes before are random, so that
making the store takes no hashing. Another process searches the store all the while.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

import cv2
import numpy as np
from peak_memory import peak_bytes

from scenehash import CodeStore, HashModel, rehash
from scenehash.demo.tiles import KINDS, demo_tiles
from scenehash.errors import LineageError
from scenehash.model.adapted_graph import adapted_file
from scenehash.model.card import AdaptationRecord, golden_tile
from scenehash.model.inspection import read_model
from scenehash.model.lineage import adaptation_lineage
from scenehash.model.linear_code import LinearCode, Vectors
from scenehash.model.model_file import model_path
from scenehash.scenes import open_scene
from scenehash.store import FILE, HashedScene, SceneVectors
from scenehash.tiling import Window

MEBIBYTE = 1 << 20
SIDE = 128
LINEAGE, BITS = "a" * 16, 64


def main() -> None:
    """Make a store, rehash it, and print what that took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=("vectors", "scenes"))
    parser.add_argument("--tiles", type=int, default=100_000)
    parser.add_argument("--tiles-a-scene", type=int, default=100)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--model", default=None, help="as scenehash --model")
    arguments = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        spawn_and_wait(spawn, make, folder, arguments)
        over, said = spawn.Event(), spawn.Pipe(duplex=False)
        searching = spawn.Process(target=search, args=(folder / "s", over, said[1]))
        searching.start()
        said[0].recv()
        result = spawn_and_wait(spawn, change, folder, arguments)
        over.set()
        searched, longest, lineages = said[0].recv()
        searching.join()
        result |= {"searches_meanwhile": searched, "longest_search_ms": longest}
        assert lineages == 2
        print(json.dumps(result))


def spawn_and_wait(spawn: object, target: object, *arguments: object) -> dict[str, object]:
    """What a function says in a process of its own."""
    said, saying = spawn.Pipe(duplex=False)  # type: ignore[attr-defined]
    process = spawn.Process(target=target, args=(*arguments, saying))  # type: ignore[attr-defined]
    process.start()
    answer: dict[str, object] = said.recv()
    process.join()
    return answer


def make(folder: Path, arguments: argparse.Namespace, said: Connection) -> None:
    """A store of as many tiles, and its scenes where they are to be read."""
    model = HashModel.load(arguments.model)
    space = model.representation
    assert space is not None
    rng = np.random.default_rng(0)
    (folder / "scenes").mkdir()
    with CodeStore.create(folder / "s", LINEAGE, BITS, "a-model") as store:
        if arguments.way == "vectors":
            store.keep_vectors(space.frame, space.dims)
        some: list[HashedScene] = []
        count = arguments.tiles // arguments.tiles_a_scene
        for number in range(count):
            tiles = arguments.tiles_a_scene
            codes = rng.integers(0, 256, (tiles, BITS // 8), np.uint8)
            if arguments.way == "vectors":
                vectors = rng.integers(-127, 128, (tiles, space.dims)).astype(np.int8)
                some.append(without_a_file(number, codes, SceneVectors(space.frame, vectors)))
            else:
                some.append(with_a_file(folder / "scenes" / f"{number}.jpg", codes, rng))
            if len(some) == 500 or number == count - 1:
                store.add(some)
                some = []
    said.send({})


def without_a_file(
    number: int, codes: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", vectors: SceneVectors
) -> HashedScene:
    windows = [Window(SIDE * tile, 0, SIDE, SIDE) for tile in range(len(codes))]
    content = f"{number:032x}"
    origin = {FILE: {"digest": content, "stamp": content[:16]}, "bands": [1, 2, 3]}
    return HashedScene(
        content, f"/scenes/{number}.tif", windows, codes, decode_params=origin, vectors=vectors
    )


def with_a_file(
    path: Path, codes: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", rng: np.random.Generator
) -> HashedScene:
    """A mosaic in as many columns as rows, or one more."""
    columns = int(np.ceil(np.sqrt(len(codes))))
    mosaic = np.zeros((SIDE * -(-len(codes) // columns), SIDE * columns, 3), np.uint8)
    windows = []
    for tile in range(len(codes)):
        x, y = SIDE * (tile % columns), SIDE * (tile // columns)
        mosaic[y : y + SIDE, x : x + SIDE] = any_tile(rng)
        windows.append(Window(x, y, SIDE, SIDE))
    cv2.imwrite(str(path), mosaic, [cv2.IMWRITE_JPEG_QUALITY, 80])
    with open_scene(path) as scene:
        reading = {**scene.reading, FILE: scene.origin}
        return HashedScene(scene.content, str(path), windows, codes, decode_params=reading)


def any_tile(rng: np.random.Generator) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    tiles = demo_tiles(KINDS[rng.integers(len(KINDS))])
    tile = tiles[rng.integers(len(tiles))]
    top, left = rng.integers(0, len(tile) - SIDE, 2)
    return tile[top : top + SIDE, left : left + SIDE, ::-1]


def change(folder: Path, arguments: argparse.Namespace, said: Connection) -> None:
    """Rehash the store; say how long it took, and how much memory."""
    model = HashModel.load(arguments.model)
    if arguments.way == "vectors":
        model = HashModel.load(adapted(model, arguments.model, folder / "adapted.onnx"))
    base = peak_bytes()
    locked: list[float] = []
    switch = CodeStore.switch

    def timed(store: CodeStore, to: object) -> None:
        started = time.perf_counter()
        switch(store, to)  # type: ignore[arg-type]
        locked.append(time.perf_counter() - started)

    CodeStore.switch = timed  # type: ignore[method-assign, assignment]
    report = rehash(folder / "s", model, threads=arguments.threads)
    with CodeStore.open(folder / "s") as store:
        tiles = len(store)
    said.send(
        {
            "way": arguments.way,
            "tiles": tiles,
            "scenes": report.scenes,
            "bits": report.bits,
            "seconds": round(report.seconds, 1),
            "tiles_a_second": round(tiles / report.seconds),
            "switch_seconds": round(locked[0], 2),
            "peak_mib": round(peak_bytes() / MEBIBYTE),
            "model_mib": round(base / MEBIBYTE),
        }
    )


def adapted(model: HashModel, file: str | None, path: Path) -> Path:
    """A model whose codes are random directions of the representation."""
    assert model.representation is not None
    rng = np.random.default_rng(1)
    code = LinearCode.of(rng.standard_normal((model.representation.dims, BITS)), np.zeros(BITS))
    tiles = [one.tile() for one in model.card.golden]
    vectors: Vectors | None = model.encode_all(tiles).vectors
    assert vectors is not None
    records = [
        golden_tile(one.name, tile, own, logits)
        for one, tile, own, logits in zip(
            model.card.golden, tiles, code.codes(vectors), code.logits(vectors), strict=True
        )
    ]
    record = AdaptationRecord(
        base=model.name, base_lineage=model.lineage, tiles=0, judged=0, gain=0.0
    )
    lineage = adaptation_lineage(model.lineage, code)
    card = model.card.model_copy(
        update={"lineage": lineage, "bits": BITS, "widths": [BITS], "adaptation": record,
                "golden": records, "match_distances": []}
    )  # fmt: skip
    path.write_bytes(adapted_file(read_model(model_path(file)), card, code))
    return path


def search(path: Path, over: Event, said: Connection) -> None:
    """Search the store again and again; say how often, and how long the slowest took."""
    count, longest, lineages = 0, 0.0, set()
    rng = np.random.default_rng(2)
    for store in opened(path, over):
        if count == 0:
            said.send("begun")
        code = rng.integers(0, 256, (1, store.bits // 8), np.uint8)
        started = time.perf_counter()
        try:
            store.refresh()
            (hits,) = store.search(code, 20)
        except LineageError:
            continue
        longest = max(longest, time.perf_counter() - started)
        lineages.add(store.lineage)
        assert len(hits) == 20
        count += 1
        time.sleep(0.005)
    said.send((count, round(1000 * longest, 1), len(lineages)))


def opened(path: Path, over: Event) -> Iterator[CodeStore]:
    """The store, open; opened again where its model has changed."""
    store = CodeStore.open(path)
    while True:
        yield store
        done = over.is_set()
        try:
            store.refresh()
        except LineageError:
            store.close()
            store = CodeStore.open(path)
            yield store
        if done:
            return


if __name__ == "__main__":
    main()

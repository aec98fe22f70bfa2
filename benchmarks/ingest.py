"""Does reading keep up with hashing? The pace and the memory of an ingest of one large raster.

python benchmarks/ingest.py [--side 30000] [--compress LZW|DEFLATE|JPEG|NONE] [--untiled]

The raster is a real scene of ../shared/data/scenes repeated, each time turned and as bright as
chance has it, as the COG driver of GDAL writes it. Its peer is HashModel.encode on tiles of it that
are in memory already, with as many threads, before and after each ingest.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from peak_memory import peak_bytes
from rasterio.windows import Window

from scenehash import CodeStore, HashModel
from scenehash.ingestion import IngestOptions, IngestReport, ingest
from scenehash.scenes import Tiling, open_scene
from scenehash.tiles import Image

SCENE = Path(__file__).parents[2] / "shared/data/scenes/deepforest_oam_urban_2048_rgb8_0.1m.tif"
MEBIBYTE = 1 << 20
CORES = os.cpu_count() or 1
# Tiles that the peer hashes each time.
PEER_TILES = 512


def make_raster(path: Path, side: int, compress: str, untiled: bool) -> None:
    """Write a raster of side x side pixels, 3 bands of 8 bits, georeferenced."""
    rng = np.random.default_rng(0)
    with open_scene(SCENE) as scene:
        image = scene.overview(max(scene.width, scene.height))
    plain = path.with_name("plain.tif")
    place = rasterio.Affine(0.1, 0, 500_000, 0, -0.1, 5_000_000)
    layout = {"tiled": not untiled, "interleave": "pixel", "photometric": "RGB", "bigtiff": "YES"}
    with rasterio.open(
        plain, "w", driver="GTiff", width=side, height=side, count=3, dtype="uint8",
        crs="EPSG:32632", transform=place, **layout,
    ) as file:  # fmt: skip
        for y in range(0, side, len(image)):
            for x in range(0, side, len(image)):
                height, width = min(len(image), side - y), min(len(image), side - x)
                piece = varied(image, rng)[:height, :width]
                file.write(np.moveaxis(piece, 2, 0), window=Window(x, y, width, height))
    if untiled:
        plain.rename(path)
        return
    rasterio.shutil.copy(plain, path, driver="COG", compress=compress, bigtiff="YES")
    plain.unlink()


def varied(image: Image, rng: np.random.Generator) -> Image:
    """A square image, turned or mirrored, and brighter or darker."""
    turned = np.rot90(image, rng.integers(4))
    if rng.integers(2):
        turned = turned[:, ::-1]
    return np.clip(turned * rng.uniform(0.7, 1.3) + rng.uniform(-20, 20), 4, 255).astype(np.uint8)


def some_tiles(raster: Path, size: int) -> list[Image]:
    """Tiles from all over the raster."""
    with open_scene(raster) as scene:
        windows = scene.windows(Tiling(), size)
        return [scene.pixels(window, size) for window in windows[:: len(windows) // PEER_TILES + 1]]


def ingested(raster: Path, threads: int, folder: Path) -> tuple[IngestReport, float]:
    """What became of the raster in a new store, and the seconds that it took."""
    model = HashModel.load()
    with CodeStore.create(folder / "s", model.lineage, model.bits, "a-model") as store:
        started = time.perf_counter()
        report = ingest([raster], store, model, IngestOptions(threads=threads))
        return report, time.perf_counter() - started


def hashing_rate(model: HashModel, tiles: list[Image]) -> float:
    """Tiles a second, from memory."""
    started = time.perf_counter()
    model.encode(tiles)
    return len(tiles) / (time.perf_counter() - started)


def compare(raster: Path, threads: int, rounds: int) -> None:
    """Print the pace of ingests beside that of hashing alone."""
    model = HashModel.load(threads=threads)
    tiles = some_tiles(raster, model.tile_size)
    hashing_rate(model, tiles)
    before, ratios = hashing_rate(model, tiles), []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=raster.parent) as folder:
            report, seconds = ingested(raster, threads, Path(folder))
        after = hashing_rate(model, tiles)
        alone, rate = (before + after) / 2, report.tiles / seconds
        ratios.append(rate / alone)
        print(f"ingest {rate:.1f} tiles/s in {seconds:.1f} s, hashing alone {alone:.1f}: ", end="")
        print(f"{ratios[-1]:.3f}", flush=True)
        before = after
    print(f"pace {np.median(ratios):.3f} of hashing alone, median of {rounds}")


def use(raster: Path, threads: int) -> None:
    """Ingest once, in a process that does nothing else; say what it took, as JSON."""
    with tempfile.TemporaryDirectory(dir=raster.parent) as folder:
        report, seconds = ingested(raster, threads, Path(folder))
    (scene,) = report.stored
    user, system = os.times()[:2]
    said = {"tiles": scene.tiles, "skipped": scene.skipped, "warnings": list(scene.warnings)}
    print(
        json.dumps(
            said | {"seconds": seconds, "cpu": user + system, "peak": peak_bytes() / MEBIBYTE}
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=30_000)
    parser.add_argument("--compress", default="LZW")
    parser.add_argument("--untiled", action="store_true")
    parser.add_argument("--raster", type=Path, help="instead of one that is made")
    parser.add_argument("--threads", type=int, default=CORES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--use", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.use:
        use(given.raster, given.threads)
        return
    with tempfile.TemporaryDirectory(dir=".") as folder:
        raster = given.raster or Path(folder) / "raster.tif"
        if given.raster is None:
            make_raster(raster, given.side, given.compress, given.untiled)
        command = [sys.executable, __file__, "--use", "--raster", raster, "--threads"]
        done = subprocess.run([*command, str(given.threads)], check=True, capture_output=True)
        said = json.loads(done.stdout)
        print(f"{raster.stat().st_size / 1e6:.0f} MB; {said['tiles']:,} tiles and ", end="")
        print(f"{said['skipped']:,} skipped, in {said['seconds']:.1f} s; ", end="")
        print(f"processors {said['cpu']:.1f} s; peak memory {said['peak']:.0f} MiB")
        print("\n".join(said["warnings"]) or "no warnings")
        compare(raster, given.threads, given.rounds)


if __name__ == "__main__":
    main()

"""What falls out of the readers when their inputs are damaged? Nothing but an error that they name.

python benchmarks/fuzz_readers.py [--inputs 20000] [--seed 0] [--only jpeg]

Small real files of each kind are mutated by a seed and read as an ingest reads them: opened, cut,
every tile, overview, footprints, content. A model card is parsed; a model file, and that of an
adaptation with its card, is loaded and hashes a tile. Allowed is a result of the right kind, or
InputError (ModelError for a card or a model). All else is a finding: another exception, a process
that dies, more than 10 s, more than 600 MB.
`--first N --inputs 1` repeats input N of a seed.
"""

import argparse
import json
import os
import re
import select
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from peak_memory import peak_bytes

from scenehash.demo.tiles import demo_tiles
from scenehash.errors import InputError, ModelError
from scenehash.tiles import Image

SECONDS, PEAK_BYTES = 10.0, 600 << 20
# Inputs that one process reads.
PART = 500
BOUNDARIES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
TEXTS = (
    *("null", "true", "[]", "{}", '""', "-1", "1e999", "NaN", "9" * 5000, "[" * 5000, '"\\ud800"'),
    *('{"a":' * 2000, '"9999-12-31T23:59:59-05:00"', '"0001-01-01T00:00:00+14:00"', '"\x00"'),
)

NOTES = (
    b"<PAMDataset><SRS>EPSG:32633</SRS><GeoTransform>5e5,10,0,5e6,0,-10</GeoTransform>"
    b'<PAMRasterBand band="1"><NoDataValue>7</NoDataValue><Metadata>'
    b'<MDI key="STATISTICS_MEAN">12</MDI></Metadata></PAMRasterBand></PAMDataset>'
)
VRT = (
    b'<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:32633</SRS>'
    b"<GeoTransform>5e5,10,0,5e6,0,-10</GeoTransform>"
    b'<VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
    b'<SourceFilename relativeToVRT="1">b.tif</SourceFilename><SourceBand>1</SourceBand>'
    b"</SimpleSource></VRTRasterBand></VRTDataset>"
)
# What only_input_errors makes of an exception that nobody foresaw.
UNFORESEEN = re.compile(r"cannot be read \(\w+(Error|error|Exception): ")

Mutation = Callable[[bytes, np.random.Generator], bytes]


def main() -> None:
    """Run the inputs in processes of their own, and print what fell out."""
    options = _options()
    if options.worker:
        read_inputs(
            range(options.first, options.first + options.inputs), options.seed, options.only
        )
        return
    started, findings, outcomes = time.perf_counter(), [], Counter[str]()
    first, end = options.first, options.first + options.inputs
    while first < end:
        first = _watch_worker(first, min(PART, end - first), options, findings, outcomes)
    print(json.dumps({
        "inputs": options.inputs,
        "seed": options.seed,
        "seconds": round(time.perf_counter() - started, 1),
        "outcomes": dict(sorted(outcomes.items())),
        "findings": findings,
    }, indent=2))  # fmt: skip
    sys.exit(bool(findings))


def read_inputs(numbers: range, seed: int, only: str | None = None) -> None:
    """Read inputs, and print a line of JSON before and after each."""
    os.environ["OPENCV_LOG_LEVEL"] = "SILENT"
    kinds = _kinds()
    chosen = [only] if only else sorted(kinds)
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            rng = np.random.default_rng((seed, number))
            kind = chosen[number % len(chosen)]
            _print(number=number, kind=kind)
            started = time.perf_counter()
            outcome = read_one(kind, kinds[kind], rng, Path(folder))
            seconds = time.perf_counter() - started
            if seconds > SECONDS:
                outcome = f"finding: {seconds:.1f} s"
            if peak_bytes() > PEAK_BYTES:
                outcome = f"finding: {peak_bytes() >> 20} MB"
            _print(number=number, outcome=outcome)


def read_one(kind: str, seeds: list[bytes], rng: np.random.Generator, folder: Path) -> str:
    """Mutate one of the files of a kind and read it: "read", "refused", or what was found."""
    data = mutated(seeds[int(rng.integers(len(seeds)))], kind, rng)
    for old in folder.iterdir():
        old.unlink()
    try:
        if kind == "card":
            from scenehash.model.card import Card

            Card.from_json(data)
        elif kind in ("model", "adapted"):
            _read_model(_place(kind, data, folder))
        else:
            _read_scene(_place(kind, data, folder))
    except (InputError, ModelError) as error:
        return "refused unforeseen" if UNFORESEEN.search(str(error)) else "refused"
    except Exception as error:
        return f"finding: {type(error).__name__}: {error}"[:300]
    return "read"


def mutated(data: bytes, kind: str, rng: np.random.Generator) -> bytes:
    """One to four mutations of a file; half of the time one. Half of adaptations, of their card."""
    if kind == "adapted" and rng.random() < 0.5:
        return _with_card(data, mutated(_card_of(data), "card", rng))
    text = kind in ("stac", "notes", "vrt", "card", "world")
    for _ in range(int(rng.choice([1, 1, 1, 2, 3, 4]))):
        some = MUTATIONS + (TEXT_MUTATIONS if text else ())
        data = some[int(rng.integers(len(some)))](data, rng)
    return _with_checksums(data) if kind == "png" and rng.random() < 0.7 else data


def _read_scene(path: Path) -> None:
    """Read a scene as an ingest does, and check what comes of it."""
    from scenehash.scenes import Tiling, open_scene

    with open_scene(path) as scene:
        windows = scene.windows(Tiling(min_valid=0), 256)
        tiles = [tile for group in scene.tiles(windows, 256, 0.0) for tile in group]
        assert [tile.window for tile in tiles] == windows
        for tile in tiles:
            assert tile.image is not None
            assert tile.image.dtype == np.uint8
            assert tile.image.ndim == 3 and tile.image.shape[2] == 3
        footprints = scene.footprints(windows)
        assert footprints is None or (
            footprints.shape == (len(windows), 4, 2) and bool(np.isfinite(footprints).all())
        )
        assert max(scene.overview(64).shape[:2]) <= 64
        assert len(scene.content) == 32
        json.dumps({**scene.reading, **scene.origin}, allow_nan=False)
        assert scene.time is None or 1800 <= scene.time.year < 2200


def _read_model(path: Path) -> None:
    """Load a model file as a device does, and hash a tile."""
    from scenehash.model.hash_model import HashModel

    model = HashModel.load(path)
    size = model.tile_size
    assert model.encode([np.zeros((size, size, 3), np.uint8)]).shape == (1, model.bits // 8)


def _kinds() -> dict[str, list[bytes]]:
    """Small files of each kind, from real tiles."""
    from scenehash.model.model_file import shipped_model

    tiles = [cv2.resize(demo_tiles(kind)[0], (64, 64)) for kind in ("forest", "harbor")]
    quality = (cv2.IMWRITE_JPEG_QUALITY, 80)
    card = shipped_model().read_bytes()
    start = card.index(b'{"format":')
    model_card = json.JSONDecoder().raw_decode(card[start:].decode("utf-8", "replace"))[0]
    progressive, lossy = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_WEBP_QUALITY, 50)
    grey, deep = tiles[0][:, :, 0], tiles[0].astype(np.uint16) * 200
    golden = Path(__file__).parents[1] / "tests" / "golden" / "model-1.onnx"
    return {
        "model": [golden.read_bytes()],
        "adapted": [_adapted_model()],
        "jpeg": [_encoded(".jpg", image, quality) for image in (*tiles, grey)]
        + [_encoded(".jpg", tiles[0], progressive)],
        "png": [_encoded(".png", image) for image in (*tiles, grey, deep)],
        "tiff": [_encoded(".tif", image) for image in (*tiles, grey, deep)],
        "webp": [_encoded(".webp", tiles[0]), _encoded(".webp", tiles[1], lossy)],
        "bmp": [_encoded(".bmp", tiles[0])],
        **_rasters(tiles),
        "stac": [
            json.dumps({"type": "Feature", "properties": {"datetime": when}}).encode()
            for when in ("2024-02-03T10:11:12Z", None)
        ],
        "notes": [NOTES],
        "world": [b"10\n0\n0\n-10\n500000\n5000000\n"],
        "vrt": [VRT],
        "card": [json.dumps({**model_card, "golden": model_card["golden"][:2]}).encode()],
    }


def _adapted_model() -> bytes:
    """What `scenehash adapt` writes, of a model of a few kilobytes."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from scenehash.model.adapted_graph import adapted_file
    from scenehash.model.card import AdaptationRecord, golden_tile
    from scenehash.model.hash_model import HashModel
    from scenehash.model.lineage import adaptation_lineage
    from scenehash.model.linear_code import LinearCode
    from tests.tiny_model import DIMS, SIZE, tiny_model

    rng = np.random.default_rng(1)
    code = LinearCode.of(rng.standard_normal((DIMS, 64)), rng.standard_normal(64))
    with tempfile.TemporaryDirectory() as folder:
        path = tiny_model(Path(folder) / "a.onnx")
        base = HashModel.open(path, made_here=True).card
        record = AdaptationRecord(
            base=base.name, base_lineage=base.lineage, tiles=1, judged=1, gain=0.0
        )
        card = base.model_copy(
            update={
                "adaptation": record,
                "lineage": adaptation_lineage(base.lineage, code),
                "golden": [],
            }
        )
        data = path.read_bytes()
        path.write_bytes(adapted_file(data, card, code))
        model, tile = (
            HashModel.open(path, made_here=True),
            rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8),
        )
        golden = golden_tile("noise", tile, model.encode([tile])[0], model.logits([tile])[0])
        return adapted_file(data, card.model_copy(update={"golden": [golden]}), code)


def _card_of(data: bytes) -> bytes:
    return data[data.index(b'{"format":') :]


def _with_card(data: bytes, card: bytes) -> bytes:
    """An adapted model's file, whose metadata are its end, with another card."""
    from scenehash.model.card import METADATA_KEY

    key = b"\x0a" + _varint(len(METADATA_KEY)) + METADATA_KEY.encode()
    start = data.index(key + b"\x12")
    head = data[: start - len(_varint(len(data) - start))]
    entry = key + b"\x12" + _varint(len(card)) + card
    return head + _varint(len(entry)) + entry


def _varint(number: int) -> bytes:
    """Source: protobuf.dev, encoding."""
    groups = []
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])


def _rasters(tiles: list[Image]) -> dict[str, list[bytes]]:
    import rasterio
    from rasterio.io import MemoryFile
    from rasterio.transform import from_origin

    def written(driver: str, dtype: str, crs: str = "EPSG:32633", **layout: object) -> bytes:
        bands = np.moveaxis(tiles[0], 2, 0).astype(dtype)
        with MemoryFile() as memory:
            with memory.open(
                driver=driver, width=64, height=64, count=3, dtype=dtype, crs=crs,
                transform=from_origin(5e5, 5e6, 10, 10), **layout,
            ) as file:  # fmt: skip
                file.write(bands)
            return bytes(memory.read())

    with rasterio.Env():
        return {
            "geotiff": [
                written("GTiff", "uint8", tiled=True, blockxsize=32, blockysize=32),
                written("GTiff", "uint16", compress="DEFLATE", nodata=0),
                written("GTiff", "float32", compress="LZW", nodata=float("nan")),
                written("GTiff", "int16", compress="ZSTD", BIGTIFF="YES", crs="EPSG:4326"),
            ],
            "jp2": [written("JP2OpenJPEG", "uint8"), written("JP2OpenJPEG", "uint16")],
        }


def _place(kind: str, data: bytes, folder: Path) -> Path:
    """Write an input where its reader finds it, and return the scene that it belongs to."""
    suffixes = {"jpeg": ".jpg", "tiff": ".tif", "geotiff": ".tif", "model": ".onnx"}
    suffixes["adapted"] = ".onnx"
    beside = {"stac": "a.json", "notes": "a.tif.aux.xml", "world": "a.tfw"}
    tile = cv2.cvtColor(cv2.resize(demo_tiles("forest")[0], (64, 64)), cv2.COLOR_RGB2BGR)
    if kind in beside:
        (folder / beside[kind]).write_bytes(data)
        if kind == "stac":
            (folder / "a.png").write_bytes(_encoded(".png", tile))
            return folder / "a.png"
        (folder / "a.tif").write_bytes(_plain_geotiff())
        return folder / "a.tif"
    if kind == "vrt":
        (folder / "b.tif").write_bytes(_plain_geotiff())
    path = folder / f"a{suffixes.get(kind, f'.{kind}')}"
    path.write_bytes(data)
    return path


def _plain_geotiff() -> bytes:
    """A TIFF with just enough of GeoTIFF in it to be read by GDAL."""
    pixels = demo_tiles("forest")[0][:64, :64].tobytes()
    entries = [
        (256, 3, 1, 64), (257, 3, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, 1, 500), (277, 3, 1, 3), (278, 3, 1, 64), (279, 4, 1, len(pixels)),
        (34735, 3, 4, 400),
    ]  # fmt: skip
    body = b"II*\0" + struct.pack("<IH", 8, len(entries))
    body += b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    return (body.ljust(400, b"\0") + struct.pack("<4H", 1, 1, 0, 0)).ljust(500, b"\0") + pixels


def _encoded(suffix: str, image: Image, options: tuple[int, ...] = ()) -> bytes:
    return cv2.imencode(suffix, image, options)[1].tobytes()


def _at(data: bytes, rng: np.random.Generator) -> int:
    """A place in a file; half of the time among its first bytes, where its structure is."""
    return int(rng.integers(max(1, min(len(data), 300) if rng.random() < 0.5 else len(data))))


def _flip(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data or b"\0")
    for _ in range(int(rng.integers(1, 9))):
        changed[_at(changed, rng) % len(changed)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _set(data: bytes, rng: np.random.Generator) -> bytes:
    value = BOUNDARIES[int(rng.integers(len(BOUNDARIES)))]
    form = ("<B", "<H", ">H", "<I", ">I")[int(rng.integers(5))]
    packed = struct.pack(form, value & (1 << 8 * struct.calcsize(form)) - 1)
    at = _at(data, rng)
    return data[:at] + packed + data[at + len(packed) :]


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: _at(data, rng)] if rng.random() < 0.3 else _without(data, rng)


def _without(data: bytes, rng: np.random.Generator) -> bytes:
    at = _at(data, rng)
    return data[:at] + data[at + int(rng.integers(1, 64)) :]


def _repeat(data: bytes, rng: np.random.Generator) -> bytes:
    at, length = _at(data, rng), int(rng.integers(1, 200))
    return data[:at] + data[at : at + length] * int(rng.integers(2, 50)) + data[at + length :]


def _noise(data: bytes, rng: np.random.Generator) -> bytes:
    at = _at(data, rng)
    return data[:at] + rng.bytes(int(rng.integers(1, 64))) + data[at:]


def _token(data: bytes, rng: np.random.Generator) -> bytes:
    """A word or number of a text gives its place to one that is not expected."""
    words = [at for at, byte in enumerate(data) if chr(byte).isalnum() or byte == ord('"')]
    if not words:
        return data
    at = words[int(rng.integers(len(words)))]
    end = at + 1
    while end < len(data) and chr(data[end]).isalnum():
        end += 1
    text = TEXTS[int(rng.integers(len(TEXTS)))]
    return data[:at] + text.encode("utf-8", "surrogatepass") + data[end:]


MUTATIONS: tuple[Mutation, ...] = (_flip, _set, _set, _cut, _repeat, _noise)
TEXT_MUTATIONS: tuple[Mutation, ...] = (_token, _token, _token)


def _with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the right checksums, so that its decoder is reached."""
    mended, at = data[:8], 8
    while at + 8 <= len(data):
        length = min(int.from_bytes(data[at : at + 4]), len(data) - at - 8)
        body = data[at + 4 : at + 8 + length]
        mended += struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return mended


def _watch_worker(
    first: int,
    count: int,
    options: argparse.Namespace,
    findings: list[dict[str, object]],
    outcomes: Counter[str],
) -> int:
    """Read some inputs in a process; returns the number of the first that is not read yet."""
    command = [sys.executable, __file__, "--worker", f"--first={first}", f"--inputs={count}"]
    command += [f"--seed={options.seed}"] + ([f"--only={options.only}"] if options.only else [])
    now: dict[str, object] = {"number": first - 1, "kind": ""}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:
        for line in _lines(worker):
            if line is None:
                worker.kill()
                findings.append({**now, "outcome": f"finding: more than {SECONDS + 5:g} s"})
                return int(str(now["number"])) + 1
            if "kind" in line:
                now = line
                continue
            outcome = str(line["outcome"])
            outcomes[f"{now['kind']} {outcome.split(':')[0]}"] += 1
            if outcome.startswith("finding"):
                findings.append({**now, "outcome": outcome})
    if worker.returncode:
        findings.append({**now, "outcome": f"finding: the process ended ({worker.returncode})"})
        return int(str(now["number"])) + 1
    return first + count


def _lines(worker: "subprocess.Popen[bytes]") -> Iterator[dict[str, object] | None]:
    """What a process prints; None when it has printed nothing for too long."""
    assert worker.stdout is not None
    pending, patience = b"", 60.0  # until it has begun
    while True:
        if not select.select([worker.stdout], [], [], patience)[0]:
            yield None
            return
        read = os.read(worker.stdout.fileno(), 65536)
        if not read:
            return
        *lines, pending = (pending + read).split(b"\n")
        for line in lines:
            yield json.loads(line)
        patience = SECONDS + 5


def _print(**line: object) -> None:
    print(json.dumps(line), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one kind, such as jpeg")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()

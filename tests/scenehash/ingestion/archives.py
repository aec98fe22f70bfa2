"""Small archives in stores of tiny models, for tests of what changes a store's model."""

from pathlib import Path

import numpy as np

from scenehash import CodeStore, HashModel, IngestOptions, ingest
from scenehash.codes import Codes
from scenehash.report.contact_sheet import write_picture

from ...tiny_model import SIZE, tiny_model

KINDS = 4


def picture(number: int, tiles: int = 1) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """The pixels of scene number, of so many tiles side by side."""
    rng = np.random.default_rng(number)
    cells = rng.integers(0, 256, (4, 4 * tiles, 3), np.uint8)
    return np.kron(cells, np.ones((SIZE // 4, SIZE // 4, 1), np.uint8))


def write_scenes(folder: Path, numbers: range) -> None:
    """Write scenes of one to three tiles: 0.png, 1.png ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        write_picture(folder / f"{number}.png", picture(number, 1 + number % 3))


def models(folder: Path) -> dict[str, HashModel]:
    """Models: first; adapted, of its frame; other, of a frame of its own; plain, of no frame."""
    paths = {
        "first": tiny_model(folder / "first.onnx", "first", seed=1, widths=(16, 32)),
        "adapted": tiny_model(folder / "adapted.onnx", "adapted", 128, adapted=True, seed=2),
        "other": tiny_model(folder / "other.onnx", "other", frame="others", seed=3),
        "plain": tiny_model(folder / "plain.onnx", "plain", frame=None, seed=4),
    }
    return {name: HashModel.load(path) for name, path in paths.items()}


def make_store(path: Path, scenes: Path, model: HashModel, vectors: bool | None = None) -> Path:
    """A store of the scenes in a folder; a scene of three tiles in a row is cut into them."""
    report = ingest([scenes], path, model, IngestOptions(threads=1, vectors=vectors))
    assert not report.set_aside
    return path


def check_codes(store: CodeStore, model: HashModel, but: frozenset[str] = frozenset()) -> None:
    """Every stored scene has the codes that the model gives its windows."""
    assert (store.lineage, store.model) == (model.lineage, model.name)
    assert store.verify() == []
    for record, codes in store.scenes():
        if record.path not in but:
            number = int(Path(record.path).stem)
            assert np.array_equal(codes, codes_of(number, record.windows, model, store.bits))


def codes_of(
    number: int, windows: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]", model: HashModel,
    bits: int,
) -> Codes:  # fmt: skip
    """The codes of scene number, of which windows int64 [T, 4] are stored."""
    pixels = picture(number, 1 + number % 3)
    tiles = [pixels[y : y + height, x : x + width] for x, y, width, height in windows.tolist()]
    return model.encode(tiles, bits)

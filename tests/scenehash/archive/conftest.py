"""Fixtures of archives: scenes, a model, and what a run of local processes makes of them."""

from pathlib import Path

import numpy as np
import pytest

from scenehash import hash_archive

from ...tiny_model import tiny_model
from ..ingestion.archives import write_scenes
from ..ingestion.test_ingest import write_raster
from .parts import ALL


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx", widths=(16, 32))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scenes of one to three tiles in two folders, one of them twice, a raster of 1,089 tiles."""
    folder = tmp_path_factory.mktemp("archive")
    write_scenes(folder / "b", range(4))
    write_scenes(folder / "a-z", range(4, 8))
    (folder / "a-z" / "z.png").write_bytes((folder / "a-z" / "4.png").read_bytes())
    cells = np.random.default_rng(0).integers(0, 256, (66, 66, 3), np.uint8)
    cells[:40] = 0
    write_raster(folder / "b" / "large.tif", np.kron(cells, np.ones((32, 32, 1), np.uint8)))
    return folder


@pytest.fixture(scope="module")
def hashed(scenes: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hashed") / "out"
    report = hash_archive(scenes, out, model=model, options=ALL, workers=2)
    assert (report.hashed, report.known, report.failed) == (10, 0, {})
    return out

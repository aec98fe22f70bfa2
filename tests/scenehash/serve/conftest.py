"""Fixtures of the tests of the server."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from scenehash import HashModel, IngestOptions, ingest
from scenehash.report.contact_sheet import write_picture

from ...scenes import draw
from ..cli.test_scene_commands import write_raster
from ..ingestion.test_ingest import mosaic
from .stations import station_client


@pytest.fixture(scope="session")
def model() -> HashModel:
    return HashModel.load()


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight small images in two folders, and two rasters of six tiles each."""
    folder = tmp_path_factory.mktemp("scenes")
    for kind in ("harbor", "forest"):
        (folder / kind).mkdir()
        for number in range(4):
            write_picture(folder / kind / f"{kind}_{number}.png", draw(kind, number))
    write_raster(folder / "coast" / "coast_20260301.tif", mosaic(2, 3))
    write_raster(folder / "coast" / "other_20260401.tif", mosaic(2, 3)[:, ::-1], east=600_000)
    return folder


@pytest.fixture(scope="session")
def stored(scenes: Path, model: HashModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of them, labelled by their folders, with thumbnails; nobody changes it."""
    path = tmp_path_factory.mktemp("stores") / "s"
    ingest(scenes, path, model, IngestOptions(label_from_folder=True, thumbnails=True))
    return path


@pytest.fixture(scope="session")
def reader(stored: Path, model: HashModel) -> Iterator[TestClient]:
    """A client of that store, for what changes nothing."""
    with station_client(stored, model) as client:
        yield client


@pytest.fixture(scope="session")
def images_stored(scenes: Path, model: HashModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the images, without thumbnails; nobody changes it."""
    path = tmp_path_factory.mktemp("stores") / "own"
    options = IngestOptions(label_from_folder=True)
    ingest([scenes / "harbor", scenes / "forest"], path, model, options)
    return path


@pytest.fixture
def own(images_stored: Path, tmp_path: Path) -> Path:
    """A store of the images, of the test's own."""
    shutil.copytree(images_stored, tmp_path / "own")
    return tmp_path / "own"

"""Promises on real images: a small part of UC Merced, trained for real."""

from pathlib import Path

import pytest

from train.backbones import load_backbone
from train.config import make_config
from train.data import labels, read_archive, split
from train.evaluation import cosine_quality
from train.representations import represent
from train.training import train
from train.views import PLAIN

CLASSES = ("agricultural", "beach", "harbor", "runway")
IMAGES = 20


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for both recipes: their images are the same, and extracting takes seconds."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def part(data_root: Path, tmp_path: Path) -> Path:
    """Links to the first images of a few classes."""
    root = tmp_path / "part"
    for name in CLASSES:
        (root / name).mkdir(parents=True)
        for path in sorted((data_root / "ucmerced" / name).iterdir())[:IMAGES]:
            (root / name / path.name).symlink_to(path)
    return root


@pytest.mark.parametrize("recipe", ["centres", "mhcln"])
def test_codes_of_real_scenes_find_their_class(
    recipe: str, part: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENEHASH_CACHE", str(cache))
    steps = 200 if recipe == "centres" else 600
    config = make_config({"recipe": recipe, "tile_size": 128, "settings": {"steps": steps}})
    run, _ = train([part], tmp_path / "run", config)
    assert run.quality["map_at_20"] > 0.9
    test = split(read_archive(part).images, config.seed).test
    raw = represent(test, load_backbone(config.backbone, 128), 128, PLAIN).read()[:, 0]
    ceiling = cosine_quality(raw, labels(test))
    assert run.quality["map_at_20"] > ceiling.map_at_20 - 0.05

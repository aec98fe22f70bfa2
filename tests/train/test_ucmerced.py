"""Promises on real images: a small part of UC Merced, trained for real."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scenehash.cli.main import build_app
from scenehash.errors import ConfigurationError
from scenehash_train.augmentation import PLAIN
from scenehash_train.backbones import load_backbone
from scenehash_train.config import make_config
from scenehash_train.data import labels, read_archive, split
from scenehash_train.metrics import cosine_quality
from scenehash_train.representations import represent
from scenehash_train.training import train

pytestmark = pytest.mark.slow

CLASSES = ("agricultural", "beach", "harbor", "runway")
IMAGES = 20
# What else is to be seen in images of a class.
SEEN = {
    "agricultural": ["plants"],
    "beach": ["sand", "water"],
    "harbor": ["boats", "water"],
    "runway": ["pavement"],
}


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
    run = train([part], tmp_path / "run", config).run
    assert run.quality["map_at_20"] > 0.9
    test = split(read_archive(part).images, config.seed).test
    raw = represent(test, load_backbone(config.backbone, 128), 128, PLAIN).read()[:, 0]
    ceiling = cosine_quality(raw, labels(test))
    assert run.quality["map_at_20"] > ceiling.map_at_20 - 0.05


def scenehash(*arguments: str | Path) -> dict[str, Any]:
    result = CliRunner().invoke(build_app(), [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_images_of_several_classes_from_labels_to_model_file(
    part: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENEHASH_CACHE", str(cache))
    paths = sorted(part.rglob("*.jpg"))
    listed = {path.relative_to(part).as_posix(): SEEN[path.parent.name] for path in paths}
    (part / "labels.json").write_text(json.dumps(listed))
    settings = tmp_path / "c.json"
    settings.write_text(json.dumps({"tile_size": 128, "settings": {"steps": 200}}))
    run = tmp_path / "run"
    trained = scenehash("train", part, "--out", run, "--config", settings)
    assert trained["classes"] == 5
    assert abs(trained["train_images"] - 0.6 * len(paths)) <= 2
    quality = trained["quality"]
    assert quality["map_at_20"] > 0.9
    assert quality["ndcg_at_20"] > 0.9

    evaluated = scenehash("evaluate", run, part)
    assert {name: evaluated[name] for name in quality} == pytest.approx(quality)
    assert set(evaluated["precision_by_class"]) == {"boats", "pavement", "plants", "sand", "water"}
    # Beaches and harbors have water in common: 15 others of 16, among 20 hits.
    assert 0.85 * 15 / 20 < evaluated["precision_by_class"]["water"] <= 15 / 20

    model = tmp_path / "model.onnx"
    # As FP32: test_build has the tests of what labels have to do with INT8.
    exported = scenehash("export", run, "--out", model, "--precision", "fp32")
    fidelity = exported["card"]["fidelity"]
    assert set(fidelity["flips_by_class"]) == set(evaluated["precision_by_class"])
    file = scenehash("evaluate", model, part)
    assert file["ndcg_at_20"] == pytest.approx(exported["card"]["quality"]["ndcg_at_20"])
    assert file["ndcg_at_20"] > quality["ndcg_at_20"] - 0.03

    for values in ({"recipe": "mhcln"}, {"settings": {"centres": "learned"}}):
        with pytest.raises(ConfigurationError, match="one class each"):
            train([part], tmp_path / "other", make_config(values))
    assert not (tmp_path / "other").exists()

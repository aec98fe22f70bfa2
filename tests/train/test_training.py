import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from scenehash.errors import ConfigurationError, InputError
from scenehash_train import fit as fitting
from scenehash_train.config import make_config, read_config
from scenehash_train.data import read_archive, split
from scenehash_train.evaluation import evaluate
from scenehash_train.fit import fit
from scenehash_train.head import Projection, folded
from scenehash_train.metrics import retrieval_quality
from scenehash_train.recipes import TrainingSet, build_head, make_recipe
from scenehash_train.runs import CHECKPOINT, Run
from scenehash_train.training import train

from ..command_line import COMMAND, interrupt
from .test_data import make_archive

SMALL = {"bits": 16, "tile_size": 32}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache for all tests here: their archives are the same, and extracting takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCENEHASH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def training_set(classes: int = 3, count: int = 40, width: int = 24) -> TrainingSet:
    """Blobs, one a class, in two views."""
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(classes), count)
    middles = rng.normal(size=(classes, 1, width))
    vectors = middles[labels] + 0.3 * rng.normal(size=(len(labels), 2, width))
    return TrainingSet(vectors.astype(np.float32), labels)


def codes_of(head: nn.Module, data: TrainingSet) -> np.ndarray:
    with torch.inference_mode():
        logits = head(torch.from_numpy(data.vectors[:, 0])).numpy()
    return np.packbits(logits > 0, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["centres", "mhcln"])
@pytest.mark.parametrize("classes", [2, 3, 20])
def test_a_recipe_learns_to_tell_classes_apart(recipe: str, classes: int, tmp_path: Path) -> None:
    data = training_set(classes, count=30 if classes < 20 else 6)
    config = make_config({"recipe": recipe, "bits": 16, "settings": {"steps": 300}})
    learner = make_recipe(config, data)
    history = fit(learner, 0, tmp_path / CHECKPOINT)
    projection = Projection(torch.zeros(data.width), torch.eye(data.width))
    head = learner.head.finished(projection)
    assert len(history) == 12
    quality = retrieval_quality(codes_of(head, data), data.labels, 0, k=5)
    assert quality.precision_at_20 > (0.9 if recipe == "centres" else 1.5 / classes)
    rebuilt = build_head(config, data.width)
    rebuilt.load_state_dict(head.state_dict())
    assert np.array_equal(codes_of(rebuilt.eval(), data), codes_of(head, data))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["centres", "mhcln"])
def test_an_interrupted_fit_ends_with_the_same_weights(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "CHECKPOINT_EVERY", 7)
    config = make_config({"recipe": recipe, "bits": 16, "settings": {"steps": 40}})
    data = training_set()

    class StopHereError(Exception):
        pass

    def run(checkpoint: Path, stop_at: int | None) -> dict[str, torch.Tensor]:
        learner = make_recipe(config, data)
        terms, calls = learner.terms, 0

        def interrupted(rng: np.random.Generator) -> dict[str, torch.Tensor]:
            nonlocal calls
            calls += 1
            if calls == stop_at:
                raise StopHereError
            return terms(rng)

        learner.terms = interrupted  # type: ignore[method-assign]
        fit(learner, 5, checkpoint)
        return learner.head.state_dict()

    whole = run(tmp_path / "whole.pt", None)
    for stop_at in (3, 24):
        with pytest.raises(StopHereError):
            run(tmp_path / "pieces.pt", stop_at)
    assert torch.load(tmp_path / "pieces.pt", weights_only=True)["step"] == 21
    pieces = run(tmp_path / "pieces.pt", None)
    assert all(torch.equal(whole[name], pieces[name]) for name in whole)


def test_a_folded_head_gives_the_same_logits() -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(
        Projection(torch.randn(6), torch.randn(6, 5)),
        nn.Dropout(0.3),
        nn.Linear(5, 9),
        nn.BatchNorm1d(9),
        nn.ReLU(),
        nn.Linear(9, 4),
        nn.BatchNorm1d(4, affine=False),
    )
    layers(torch.randn(200, 6))
    x = torch.randn(50, 6)
    plain = folded(layers)
    assert [type(layer) for layer in plain] == [nn.Linear, nn.ReLU, nn.Linear]
    assert torch.allclose(plain(x), layers.eval()(x), atol=1e-5)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"bits": 20}, "20 bits"),
        ({"bits": 0}, "0 bits"),
        ({"recipe": "magic"}, "known are centres, mhcln"),
        ({"colour": "blue"}, "unknown configuration key 'colour'"),
        ({"settings": {"momentum": 1}}, "unknown configuration key 'momentum'"),
        ({"recipe": "mhcln", "settings": {"dropout": 0.1}}, "known are components, steps"),
        ({"settings": 3}, "JSON object"),
        ({"tile_size": 7}, "tile_size"),
        ({"seed": "many"}, "seed"),
    ],
)
def test_a_configuration_that_makes_no_sense_says_what(values: dict, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        make_config(values)


def test_a_configuration_file_is_json(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_config(tmp_path / "none.json")
    (tmp_path / "c.json").write_text("{bits: 3}")
    with pytest.raises(ConfigurationError, match="not JSON"):
        read_config(tmp_path / "c.json")
    written = make_config({"bits": 24}).model_dump(mode="json")
    assert make_config(json.loads(json.dumps(written))).bits == 24


@pytest.mark.slow
def test_a_run_holds_all_that_is_needed_and_two_of_a_seed_are_one(tmp_path: Path) -> None:
    root = make_archive(tmp_path / "a", {"field": 10, "forest": 10})
    config = make_config({**SMALL, "settings": {"steps": 60}})
    first = train([root], tmp_path / "first", config).run
    second = train([root], tmp_path / "second", config).run
    other = train([root], tmp_path / "third", config.model_copy(update={"seed": 1})).run
    assert first.lineage == second.lineage != other.lineage
    assert first.quality == second.quality
    assert {path.name for path in first.path.iterdir()} == {
        "config.json", "split.json", "head.pt", "compact.pt", "curve.png", "run.json",
    }  # fmt: skip
    assert first.split == split(read_archive(root.resolve()).images, 0)
    assert first.data_record().train_images == 12
    found = evaluate(first.path, root)
    assert found.images == 8
    assert found.quality.as_dict() == pytest.approx(first.quality)
    assert not found.has_seen_images
    assert evaluate(first.path, root, seed=1).has_seen_images
    (other.path / "head.pt").write_bytes(b"no weights")
    with pytest.raises(InputError, match="train again"):
        other.network()
    (other.path / "run.json").write_text("{}")
    with pytest.raises(InputError, match="damaged"):
        Run.open(other.path)
    again = train([root], tmp_path / "first", config).run
    assert again.lineage == first.lineage
    with pytest.raises(ConfigurationError, match="another configuration"):
        train([root], tmp_path / "first", make_config({**SMALL, "seed": 3}))


def test_a_run_goes_nowhere_it_should_not(tmp_path: Path) -> None:
    root = make_archive(tmp_path / "a", {"field": 5, "forest": 5})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("precious")
    config = make_config({**SMALL, "settings": {"steps": 1}})
    with pytest.raises(ConfigurationError, match="not empty"):
        train([root], tmp_path / "full", config)
    with pytest.raises(InputError, match="cannot be written"):
        train([root], tmp_path / "full" / "thesis.tex", config)
    with pytest.raises(InputError, match="no run here"):
        Run.open(tmp_path / "nowhere")
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "config.json").write_text("{}")
    with pytest.raises(InputError, match="not finished"):
        Run.open(tmp_path / "begun")


@pytest.mark.slow
def test_ctrl_c_while_training_is_one_line_and_the_next_run_goes_on(tmp_path: Path) -> None:
    root = make_archive(tmp_path / "a", {"field": 10, "forest": 10})
    settings = {"steps": 4000, "batch": 16, "hidden": 8}
    (tmp_path / "c.json").write_text(json.dumps({**SMALL, "settings": settings}))
    out, config = str(tmp_path / "run"), str(tmp_path / "c.json")
    words = ["train", str(root), "--out", out, "--config", config]
    interrupt(words, (tmp_path / "run" / CHECKPOINT).exists)
    begun = torch.load(tmp_path / "run" / CHECKPOINT, weights_only=True)["step"]
    assert 0 < begun < 4000
    subprocess.run([*COMMAND, *words], check=True, capture_output=True)
    assert Run.open(tmp_path / "run").config.settings.steps == 4000

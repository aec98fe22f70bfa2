"""One model, several widths; several archives, one model."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from scenehash.errors import ConfigurationError
from scenehash_train.cli import register
from scenehash_train.config import make_config
from scenehash_train.data import Collection, LabelledImage, read_archive, split
from scenehash_train.evaluation import evaluate
from scenehash_train.fit import fit
from scenehash_train.head import Projection
from scenehash_train.metrics import retrieval_quality
from scenehash_train.recipes import TrainingSet, make_recipe
from scenehash_train.recipes.centres import Centres
from scenehash_train.training import train

from .test_data import make_archive
from .test_training import training_set


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCENEHASH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def logits_of(values: dict, data: TrainingSet, folder: Path) -> np.ndarray:
    config = make_config(values)
    learner = make_recipe(config, data)
    fit(learner, 0, folder / "checkpoint.pt")
    identity = Projection(torch.zeros(data.width), torch.eye(data.width))
    head = learner.head.finished(identity)
    with torch.inference_mode():
        return head(torch.from_numpy(data.vectors[:, 0])).numpy()


@pytest.mark.slow
def test_the_first_bits_of_a_nested_code_are_a_good_code(tmp_path: Path) -> None:
    data = training_set(classes=8)
    logits = logits_of({"bits": 64, "settings": {"steps": 200}}, data, tmp_path)
    assert logits.shape == (320, 64)
    for width in (16, 24, 32, 48, 64):
        codes = np.packbits(logits[:, :width] > 0, axis=1)
        assert retrieval_quality(codes, data.labels, 0).map_at_20 > 0.95


@pytest.mark.parametrize(
    ("values", "widths"),
    [
        ({}, (16, 24, 32, 48, 64)),
        ({"bits": 16}, (16,)),
        ({"bits": 128}, (16, 24, 32, 48, 64, 96, 128)),
        ({"settings": {"nested": False}}, (64,)),
        ({"recipe": "mhcln"}, (64,)),
    ],
)
def test_a_configuration_says_which_widths_are_codes(values: dict, widths: tuple[int, ...]) -> None:
    assert make_config(values).widths == widths


@pytest.mark.slow
@pytest.mark.parametrize("mining", ["all", "semihard", "distance"])
@pytest.mark.parametrize("over", ["code", "bit"])
def test_mined_triplets_learn_to_tell_classes_apart(mining: str, over: str, tmp_path: Path) -> None:
    settings = {"steps": 60, "mining": mining, "balance_over": over, "learning_rate": 1e-3}
    data = training_set(classes=6, count=20)
    values = {"recipe": "mhcln", "bits": 32, "settings": settings}
    codes = np.packbits(logits_of(values, data, tmp_path) > 0, axis=1)
    assert retrieval_quality(codes, data.labels, 0, k=5).precision_at_20 > 0.9


@pytest.mark.slow
def test_learned_centres_go_on_after_an_interruption(tmp_path: Path) -> None:
    data = training_set()
    config = make_config({"bits": 16, "settings": {"steps": 20, "centres": "learned"}})
    learner = make_recipe(config, data)
    names = [name for name, _ in learner.learned.named_parameters()]
    assert any("class_codes" in name for name in names)
    before = {name: value.clone() for name, value in learner.learned.state_dict().items()}
    fit(learner, 0, tmp_path / "checkpoint.pt")
    after = learner.learned.state_dict()
    assert all(not torch.equal(before[name], after[name]) for name in names)


@pytest.fixture
def archives(tmp_path: Path) -> tuple[Path, Path]:
    first = make_archive(tmp_path / "first", {"field": 10, "forest": 10})
    second = make_archive(tmp_path / "second", {"field": 10, "river": 10})
    # Other pixels than in the first archive, but for one image that both have.
    for path in second.rglob("*.png"):
        path.write_bytes(_inverted(path))
    (second / "river" / "same.png").write_bytes((first / "field" / "0.png").read_bytes())
    return first, second


def _inverted(path: Path) -> bytes:
    import cv2

    image = cv2.imread(str(path))
    assert image is not None
    return bytes(cv2.imencode(".png", 255 - image)[1].tobytes())


def test_archives_together_are_split_as_each_alone(archives: tuple[Path, Path]) -> None:
    data = Collection(tuple(read_archive(root) for root in archives))
    assert data.classes == ("first/field", "first/forest", "second/field", "second/river")
    parts = data.split(3)
    alone = [split(read_archive(root).images, 3) for root in archives]
    places = [image.path for image in parts.test]
    assert places == [image.path for part in alone for image in part.test]
    assert {image.label for image in parts.train} == {0, 1, 2, 3}
    judging = {image.content for image in parts.test}
    assert not any(image.content in judging for image in parts.train)


def test_one_archive_is_just_that_archive(archives: tuple[Path, Path]) -> None:
    archive = read_archive(archives[0])
    data = Collection((archive,))
    assert (data.name, data.classes) == (archive.name, archive.classes)
    assert data.fingerprint == archive.fingerprint
    assert data.split(0) == split(archive.images, 0)


@pytest.mark.slow
def test_a_run_on_two_archives_is_evaluated_on_each_at_any_width(
    archives: tuple[Path, Path], tmp_path: Path
) -> None:
    settings = {"steps": 20, "batch": 8, "hidden": 16}
    config = make_config({"bits": 32, "tile_size": 32, "settings": settings})
    trained = train(archives, tmp_path / "run", config)
    run, data = trained.run, trained.archives
    record = run.data_record()
    assert record.name == "first+second"
    assert record.archives == {one.name: one.fingerprint for one in data.archives}
    assert all(image.path.is_file() for image in (*run.split.train, *run.split.test))
    for root in archives:
        found = evaluate(run.path, root, bits=16)
        assert (found.bits, found.has_seen_images) == (16, False)
        assert evaluate(run.path, root, seed=1).has_seen_images
    with pytest.raises(ConfigurationError, match="can be of 16, 24, 32 bits"):
        evaluate(run.path, archives[0], bits=40)
    app = typer.Typer()
    register(app)
    command = ["evaluate", str(run.path), str(archives[1]), "--bits", "24", "--json"]
    said = CliRunner().invoke(app, command)
    assert json.loads(said.stdout)["bits"] == 24


def test_labels_of_a_collection_count_on(archives: tuple[Path, Path]) -> None:
    data = Collection(tuple(read_archive(root) for root in archives))
    river = [image for image in data.split(0).train if image.path.parent.name == "river"]
    assert river
    assert all(isinstance(image, LabelledImage) and image.label == 3 for image in river)


def test_images_of_small_classes_are_drawn_more_often_as_balance_asks() -> None:
    labels = np.repeat([0, 1], [90, 10])
    data = TrainingSet(np.zeros((100, 1, 8), np.float32), labels)
    shares = []
    for balance in (0.0, 0.5, 1.0):
        values = {"bits": 16, "settings": {"balance": balance, "batch": 4000}}
        recipe = make_recipe(make_config(values), data)
        assert isinstance(recipe, Centres)
        drawn = recipe._draw_images(np.random.default_rng(0))
        assert drawn.min() >= 0 and drawn.max() <= 99
        shares.append(float((labels[drawn] == 1).mean()))
    assert np.allclose(shares, [0.1, 0.25, 0.5], atol=0.03)

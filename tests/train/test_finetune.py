import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from scenehash import HashModel
from scenehash.decode_params import DecodeParams
from scenehash.errors import ConfigurationError, InputError
from scenehash_export import ExportOptions, export
from scenehash_train import finetune as finetuning
from scenehash_train import tuning_network
from scenehash_train.backbones import Backbone, load_backbone
from scenehash_train.cli import register
from scenehash_train.config import Config, make_config
from scenehash_train.evaluation import model_outputs, network_outputs
from scenehash_train.finetune import MovingSet
from scenehash_train.head import Projection
from scenehash_train.losses.similarity import similarity_loss
from scenehash_train.recipes import TrainingSet, centres, make_recipe
from scenehash_train.representations import tiles_id
from scenehash_train.runs import BACKBONE, FINETUNE, Run
from scenehash_train.training import train
from scenehash_train.tuning_network import TuningNetwork

from ..scenes import draw

pytestmark = pytest.mark.slow

# Most of the blocks: the fewer that are frozen, the sooner those are exported to ONNX.
SIZE, BLOCKS = 64, 14
CLASSES = ("harbor", "forest")
SMALL = {"bits": 16, "tile_size": SIZE, "settings": {"steps": 20, "batch": 8, "hidden": 16}}
TUNED = {**SMALL, "finetune": {"blocks": BLOCKS, "steps": 6, "batch": 6}}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Views of real scenes, and a cache for all tests here: extracting takes seconds."""
    folder = tmp_path_factory.mktemp("finetune")
    for kind in CLASSES:
        (folder / "scenes" / kind).mkdir(parents=True)
        for seed in range(10):
            cv2.imwrite(str(folder / "scenes" / kind / f"{seed}.png"), draw(kind, seed, SIZE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCENEHASH_CACHE", str(folder / "cache"))
        yield folder / "scenes"


@pytest.fixture(scope="module")
def frozen(archive: Path) -> Run:
    return train([archive], archive.parent / "frozen", make_config(SMALL)).run


@pytest.fixture(scope="module")
def tuned(archive: Path, frozen: Run) -> Run:
    del frozen  # its turn is first: fine-tuning must not change what comes after it
    return train([archive], archive.parent / "tuned", make_config(TUNED)).run


@pytest.fixture
def backbone() -> Backbone:
    return load_backbone("efficientnet_lite0", SIZE)


def test_the_last_blocks_learn_and_nothing_else_changes(tuned: Run, backbone: Backbone) -> None:
    before, after = backbone.module.state_dict(), tuned.network().backbone.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == set(torch.load(tuned.path / BACKBONE)) == set(backbone.last_blocks(BLOCKS))
    assert {name.split(".layers")[0] for name in changed if name.startswith("blocks")} == {
        f"blocks.{number}" for number in range(16 - BLOCKS, 16)
    }
    assert changed.isdisjoint(dict(backbone.module.named_buffers()))


def test_a_frozen_run_is_what_it_was_and_fine_tuning_leaves_nothing_behind(
    archive: Path, frozen: Run, tuned: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "finetune" not in json.loads((frozen.path / "config.json").read_text())
    cached = {path.name for path in (archive.parent / "cache").glob("*.sqlite")}
    identity = load_backbone("efficientnet_lite0", SIZE).identity
    assert cached == {f"{identity}-{tiles_id(SIZE, DecodeParams())}.sqlite"}
    again = train([archive], tmp_path / "same cache", make_config(SMALL)).run
    monkeypatch.setenv("SCENEHASH_CACHE", str(tmp_path / "cache"))
    fresh = train([archive], tmp_path / "fresh cache", make_config(SMALL)).run
    assert frozen.lineage == again.lineage == fresh.lineage != tuned.lineage
    assert {path.name for path in tuned.path.iterdir() if path.is_file()} == {
        *(path.name for path in frozen.path.iterdir()), BACKBONE,
    }  # fmt: skip


def test_an_interrupted_run_of_the_same_seed_ends_as_one_that_was_not(
    archive: Path, tuned: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetuning, "CHECKPOINT_EVERY", 2)
    batch, calls = MovingSet.batch, 0

    class StopHereError(Exception):
        pass

    def interrupted(self: MovingSet, *drawn: np.ndarray) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise StopHereError
        return batch(self, *drawn)

    with monkeypatch.context() as patch:
        patch.setattr(MovingSet, "batch", interrupted)
        with pytest.raises(StopHereError):
            train([archive], tmp_path / "run", make_config(TUNED))
    assert torch.load(tmp_path / "run" / FINETUNE, weights_only=True)["step"] == 2
    resumed = train([archive], tmp_path / "run", make_config(TUNED)).run
    assert resumed.lineage == tuned.lineage
    assert resumed.quality == tuned.quality


def test_the_exported_file_computes_the_tuned_network(tuned: Run, tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    exported = export(tuned, out, ExportOptions("fp32"))
    assert exported.card.recipe == "centres+finetune"
    assert exported.card.lineage == tuned.lineage
    expected, _ = network_outputs(tuned.network(), tuned.split.test, SIZE, None)
    logits, _ = model_outputs(HashModel.load(out), tuned.split.test)
    assert np.allclose(logits, expected, atol=1e-4)


@pytest.mark.parametrize(("blocks", "in_onnxruntime"), [(5, True), (1, False), (16, False)])
def test_two_parts_compute_what_the_whole_does_and_gradients_are_finite(
    blocks: int, in_onnxruntime: bool, backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_onnxruntime:  # as on a CUDA device, where PyTorch computes the trunk
        monkeypatch.setattr(tuning_network, "_in_onnxruntime", lambda trunk, _: trunk)
    torch.manual_seed(0)
    projection = Projection(torch.zeros(backbone.width), torch.randn(backbone.width, 8))
    # A black tile has channels that are nought everywhere, where a square root has no slope.
    tiles = np.stack([draw("harbor", 0, SIZE), np.zeros((SIZE, SIZE, 3), np.uint8)])
    with torch.inference_mode():
        expected = backbone.with_head(projection)(torch.from_numpy(tiles))
    network = TuningNetwork(backbone, projection, blocks, SIZE, torch.device("cpu"))
    vectors = network(tiles)
    assert torch.allclose(vectors, expected, atol=1e-2 * float(expected.std()))
    vectors.square().sum().backward()
    gradients = [weight.grad for weight in network.weights.values()]
    assert all(grad is not None and grad.isfinite().all() for grad in gradients)
    assert any(grad.any() for grad in gradients if grad is not None)
    assert not any(weight.grad is not None for weight in backbone.module.parameters())


def test_similarities_are_those_of_the_frozen_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Moving(TrainingSet):
        def batch(self, images: np.ndarray, views: np.ndarray) -> torch.Tensor:
            return self.frozen(images, views).flip(0)

    wanted: list[torch.Tensor] = []

    def similarity(logits: torch.Tensor, representations: torch.Tensor) -> torch.Tensor:
        wanted.append(representations)
        return similarity_loss(logits, representations)

    monkeypatch.setattr(centres, "similarity_loss", similarity)
    vectors = np.random.default_rng(0).normal(size=(12, 1, 20)).astype(np.float32)
    data = Moving(vectors, np.arange(12) % 2)
    recipe = make_recipe(make_config(SMALL), data)
    assert isinstance(recipe, centres.Centres)
    recipe.terms(np.random.default_rng(0))
    drawn = recipe._draw_images(np.random.default_rng(0))
    assert all(np.array_equal(batch.numpy(), vectors[drawn, 0]) for batch in wanted)
    assert wanted


def test_the_option_of_the_command_with_the_papers_recipe(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    register(app)
    monkeypatch.chdir(tmp_path)
    values = {
        **TUNED,
        "settings": {"steps": 3, "batch": 6},
        "finetune": {"blocks": BLOCKS, "steps": 2},
    }
    Path("small.json").write_text(json.dumps({**values, "recipe": "mhcln"}))
    command = ["train", str(archive), "--config", "small.json", "--json"]
    done = CliRunner().invoke(app, [*command, "--finetune"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["run"] == "runs/scenes-mhcln+finetune-16-seed0"
    assert set(document["seconds"]) == {"represent", "train", "finetune"}
    plain = CliRunner().invoke(app, [*command, "--frozen"])
    assert json.loads(plain.stdout)["run"] == "runs/scenes-mhcln-16-seed0"


def test_weights_that_are_not_the_runs_own_are_refused(tuned: Run) -> None:
    kept = (tuned.path / BACKBONE).read_bytes()
    weights = torch.load(tuned.path / BACKBONE, weights_only=True)
    try:
        torch.save({name: 2 * weight for name, weight in weights.items()}, tuned.path / BACKBONE)
        with pytest.raises(ConfigurationError, match="trained on backbone"):
            tuned.network()
        (tuned.path / BACKBONE).write_bytes(kept[:1000])
        with pytest.raises(InputError, match="train again"):
            tuned.network()
    finally:
        (tuned.path / BACKBONE).write_bytes(kept)


def test_what_cannot_be_fine_tuned_says_so_before_any_work(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has 16 blocks to fine-tune, not 17"):
        train([archive], tmp_path / "run", _config(blocks=17))
    assert not (tmp_path / "run").exists()
    other = Backbone("timm-any", torch.nn.Identity(), (3,), (0.0,), (1.0,))
    with pytest.raises(ConfigurationError, match="efficientnet_lite2 can be fine-tuned"):
        other.last_blocks(1)
    with pytest.raises(ConfigurationError, match=r"'finetune\.epochs'; known are blocks, steps"):
        _config(epochs=3)


def _config(**finetune: int) -> Config:
    return make_config({**SMALL, "finetune": finetune})

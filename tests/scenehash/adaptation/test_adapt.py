"""From a store to a model file whose codes are fitted on its tiles."""

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, HashModel, IngestOptions, ingest, rehash
from scenehash.adaptation import Adapted, adapt
from scenehash.adaptation.adapt import MIN_TILES, WIDTHS
from scenehash.adaptation.judging import Measure
from scenehash.cli.adapt import _shown
from scenehash.errors import ConfigurationError, InputError, LineageError
from scenehash.report.contact_sheet import write_picture

from ...tiny_model import SIZE, tiny_model

KINDS, SIDE = 8, 20


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny.onnx")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene of 400 tiles of eight kinds, which differ by one colour in one corner."""
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 256, (4 * SIDE, 4 * SIDE, 3))
    kinds = rng.integers(0, KINDS, (SIDE, SIDE))
    for channel in range(3):
        cells[::4, ::4, channel] = np.where(kinds >> channel & 1, 240, 15)
    path = tmp_path_factory.mktemp("scenes") / "kinds.png"
    write_picture(path, np.kron(cells, np.ones((SIZE // 4, SIZE // 4, 1))).astype(np.uint8))
    return path


def stored(path: Path, scene: Path, model: Path, vectors: bool | None = None) -> Path:
    ingest(scene, path, model, IngestOptions(threads=1, vectors=vectors))
    return path


def adapted(store: Path, out: Path, anyway: bool = True) -> Adapted:
    with CodeStore.open(store) as opened:
        return adapt(opened, out, anyway=anyway)


@pytest.mark.slow
def test_an_adapted_file_is_a_model_that_the_store_can_change_to(
    tmp_path: Path, scene: Path, model: Path
) -> None:
    store = stored(tmp_path / "s", scene, model)
    result = adapted(store, tmp_path / "adapted.onnx")
    assert result.path == tmp_path / "adapted.onnx"
    opened = HashModel.load(result.path)
    assert (opened.bits, opened.widths, opened.adapted) == (WIDTHS[-1], WIDTHS, True)
    assert opened.card == result.card
    record = opened.card.adaptation
    assert record is not None
    assert (record.base_lineage, record.tiles + record.judged) == ("tiny", SIDE * SIDE)
    assert rehash(store, opened).from_vectors == 1
    # And again: the same tiles have the same codes, and what they came from stays the first model.
    again = adapted(store, tmp_path / "again.onnx")
    assert again.card.adaptation is not None
    assert again.card.adaptation.base_lineage == "tiny"
    assert again.card.lineage == opened.lineage


@pytest.mark.slow
def test_kept_vectors_and_scenes_give_the_same_adaptation(
    tmp_path: Path, scene: Path, model: Path
) -> None:
    cards = [
        adapted(stored(tmp_path / name, scene, model, kept), tmp_path / f"{name}.onnx").card
        for name, kept in (("kept", True), ("read", False))
    ]
    assert cards[0] == cards[1]


def test_no_file_is_written_where_codes_are_not_better(
    tmp_path: Path, scene: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenehash.adaptation.judging.ENOUGH", 1e9)
    store = stored(tmp_path / "s", scene, model)
    result = adapted(store, tmp_path / "adapted.onnx", anyway=False)
    assert (result.path, result.document()["better"]) == (None, False)
    assert not (tmp_path / "adapted.onnx").exists()


def test_what_cannot_be_adapted_is_one_error(tmp_path: Path, scene: Path, model: Path) -> None:
    few = tmp_path / "few.png"
    write_picture(few, np.zeros((SIZE, SIZE * (MIN_TILES - 1), 3), np.uint8))
    with pytest.raises(InputError, match=f"{MIN_TILES - 1} usable tiles"):
        adapted(stored(tmp_path / "few", few, model), tmp_path / "out.onnx")
    plain = tiny_model(tmp_path / "plain.onnx", "plain", frame=None)
    with pytest.raises(ConfigurationError, match="gives no representation"):
        adapted(stored(tmp_path / "plain", scene, plain), tmp_path / "out.onnx")
    other = tiny_model(tmp_path / "other.onnx", "other")
    store = stored(tmp_path / "s", scene, model)
    with CodeStore.open(store) as opened, pytest.raises(LineageError):
        adapt(opened, tmp_path / "out.onnx", other)
    assert not (tmp_path / "out.onnx").exists()


def test_codes_that_gain_and_are_less_steady_are_refused_with_the_reason(
    tmp_path: Path, scene: Path, model: Path
) -> None:
    store = stored(tmp_path / "s", scene, model)
    result = adapted(store, tmp_path / "adapted.onnx", anyway=False)
    judged = replace(
        result.judgement,
        familiarity=0.2,
        spread=0.5,
        agreement=Measure(0.5, 0.6),
        steadiness=Measure(0.9, 0.8),
    )
    shown = _shown(replace(result, path=None, judgement=judged), store, 64)
    assert "estimated gain: +20%, but steadiness fell by more than 0.05" in "\n".join(shown)


def test_the_next_command_can_be_copied_to_a_shell(
    tmp_path: Path, scene: Path, model: Path
) -> None:
    result = adapted(stored(tmp_path / "s", scene, model), tmp_path / "my model.onnx")
    shown = _shown(result, Path("the store"), 64)
    (line,) = [line for line in shown if "scenehash rehash" in line]
    _, _, command = line.partition(" bits: ")
    assert shlex.split(command) == [
        "scenehash", "rehash", "--store", "the store", "--model", str(tmp_path / "my model.onnx")
    ]  # fmt: skip


def test_too_few_tiles_because_scenes_are_gone_is_said(
    tmp_path: Path, scene: Path, model: Path
) -> None:
    gone = tmp_path / "gone.png"
    gone.write_bytes(scene.read_bytes())
    store = stored(tmp_path / "s", gone, model, vectors=False)
    gone.unlink()
    with pytest.raises(InputError, match=f"0 usable tiles; the scenes of {SIDE * SIDE} others"):
        adapted(store, tmp_path / "out.onnx")

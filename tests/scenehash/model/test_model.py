"""What a model file gives, and what follows when codes differ from those of its golden tiles."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from scenehash import HashModel
from scenehash.codes import pack
from scenehash.errors import ModelError
from scenehash.model.card import METADATA_KEY, Card
from scenehash.model.hash_model import DriftWarning
from scenehash.model.model_file import SHIPPED_BY_NAME, SHIPPED_MODEL, shipped_model

from ...scenes import draw
from .wire import GRAPH, INITIALIZER, RAW_DATA, changed, changed_field, with_card


@pytest.fixture(scope="module")
def model() -> HashModel:
    return HashModel.load()


def test_the_shipped_model_says_what_it_is(model: HashModel) -> None:
    card = model.card
    assert (model.bits, model.tile_size, card.precision) == (256, 256, "int8")
    assert {16, 24, 32, 64, 128} < set(model.widths)
    assert len(card.data.classes) == 21 + 10 + 30
    assert card.fidelity is not None
    assert np.mean(card.fidelity.flips_by_bit[:64]) < 0.01
    assert card.fidelity.map_at_20 > card.fidelity.map_at_20_reference - 0.003
    assert card.quality["map_at_20"] > 0.87  # of all bits, over 61 classes
    assert "research" in card.licence
    assert model.golden_drift == 0
    for name in (SHIPPED_MODEL, *SHIPPED_BY_NAME.values()):
        assert shipped_model(name).stat().st_size < 10_000_000
    assert Card.from_json(card.to_json()) == card


def test_the_model_named_open_has_clear_terms_and_another_lineage(model: HashModel) -> None:
    other = HashModel.load("open")
    assert other.card.licence == "Apache-2.0"
    assert len(other.card.data.classes) == 21 + 10
    assert other.lineage != model.lineage
    assert other.representation is not None and model.representation is not None
    assert other.representation.frame != model.representation.frame


def test_representations_are_whole_numbers_of_one_byte(model: HashModel) -> None:
    images = [draw(kind, 0, 256) for kind in ("river", "forest", "harbor")]
    hashed = model.encode_all(images)
    assert hashed.vectors is not None and model.representation is not None
    assert hashed.vectors.shape == (3, model.representation.dims)
    assert np.array_equal(hashed.codes, model.encode(images))
    assert len(np.unique(hashed.vectors)) > 50


def test_codes_are_the_signs_of_logits_for_any_number_and_size_of_images(
    model: HashModel,
) -> None:
    images = [draw("river", seed, size) for seed, size in enumerate((256, 64, 300, 31) * 3)]
    codes, logits = model.encode(images), model.logits(images)
    assert codes.shape == (12, model.bits // 8)
    assert logits.shape == (12, model.bits)
    assert np.array_equal(codes, pack(logits))
    assert model.encode([]).shape == (0, model.bits // 8)
    assert model.logits([]).shape == (0, model.bits)


def test_a_code_does_not_depend_on_its_neighbours_or_the_number_of_threads(
    model: HashModel,
) -> None:
    images = [draw(kind, 0) for kind in ("harbor", "runway", "forest", "beach", "agricultural")]
    together = model.encode(images)
    alone = np.concatenate([model.encode([image]) for image in images])
    assert np.array_equal(together, alone)
    assert np.array_equal(HashModel.load(threads=2).encode(images), together)


def test_a_few_golden_bits_that_drift_are_a_warning_and_many_an_error(
    model: HashModel, tmp_path: Path
) -> None:
    def flipped(bits: int) -> list:
        first, *rest = model.card.golden
        code = np.frombuffer(first.code, np.uint8) ^ np.packbits(np.arange(model.bits) < bits)
        return [first.model_copy(update={"code": code.tobytes()}), *rest]

    total = model.bits * len(model.card.golden)
    few, many = int(0.02 * total), int(0.02 * total) + 1
    with pytest.warns(DriftWarning, match="golden tiles"):
        drifted = HashModel.load(changed(tmp_path / "few.onnx", {"golden": flipped(few)}))
    assert drifted.golden_drift == pytest.approx(few / total)
    with pytest.raises(ModelError, match="would not match codes of other machines"):
        HashModel.load(changed(tmp_path / "many.onnx", {"golden": flipped(many)}))
    with pytest.raises(ModelError, match="no golden tiles"):
        HashModel.load(changed(tmp_path / "none.onnx", {"golden": []}))


def test_changed_weights_are_noticed(tmp_path: Path) -> None:
    def reversed_weights(tensor: bytes) -> bytes:
        return changed_field(
            tensor, RAW_DATA, lambda data: data[::-1] if len(data) > 500_000 else data
        )

    def changed_graph(graph: bytes) -> bytes:
        return changed_field(graph, INITIALIZER, reversed_weights)

    path = tmp_path / "reversed.onnx"
    path.write_bytes(changed_field(shipped_model().read_bytes(), GRAPH, changed_graph))
    with pytest.raises(ModelError, match="golden"):
        HashModel.load(path)


def test_a_card_of_another_format_says_to_update(tmp_path: Path) -> None:
    path = changed(tmp_path / "new.onnx", {"format": 2})
    with pytest.raises(ModelError, match="newer scenehash"):
        HashModel.load(path)
    path.write_bytes(with_card(shipped_model().read_bytes(), "{"))
    with pytest.raises(ModelError, match="card cannot be read"):
        HashModel.load(path)


def test_the_card_is_in_the_metadata_where_others_can_read_it() -> None:
    session = onnxruntime.InferenceSession(
        shipped_model().read_bytes(), providers=["CPUExecutionProvider"]
    )
    assert METADATA_KEY in session.get_modelmeta().custom_metadata_map

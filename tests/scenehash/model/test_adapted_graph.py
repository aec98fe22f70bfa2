"""The model file of an adaptation is written without onnx, and computes what it says, exactly."""

import dataclasses

import numpy as np
import onnx
import pytest

from scenehash import HashModel
from scenehash.errors import ConfigurationError, ModelError
from scenehash.model.adapted_graph import adapted_file, read_linear_code
from scenehash.model.card import AdaptationRecord, Card, golden_tile
from scenehash.model.lineage import adaptation_lineage
from scenehash.model.linear_code import LinearCode
from scenehash.model.reading import read_card
from tests.tiny_model import DIMS, tiny_model


def linear_code(bits=128, seed=5):
    rng = np.random.default_rng(seed)
    return LinearCode.of(rng.standard_normal((DIMS, bits)), rng.standard_normal(bits) * 30)


def vectors_of(model: HashModel, images):
    vectors = model.encode_all(images).vectors
    assert vectors is not None
    return vectors


def adapted_card(base: HashModel, code: LinearCode) -> Card:
    tile = base.card.golden[0].tile()
    vectors = vectors_of(base, [tile])
    golden = golden_tile("noise", tile, code.codes(vectors)[0], code.logits(vectors)[0])
    return base.card.model_copy(
        update={
            "lineage": adaptation_lineage("tiny", code),
            "bits": code.bits,
            "widths": [64, code.bits],
            "adaptation": AdaptationRecord(
                base="tiny", base_lineage="tiny", tiles=9, judged=3, gain=0.2
            ),
            "golden": [golden],
        }
    )


def write_adapted(folder, base_path, code):
    base = HashModel.load(base_path)
    path = folder / f"adapted-{code.bits}.onnx"
    path.write_bytes(adapted_file(base_path.read_bytes(), adapted_card(base, code), code))
    return path


@pytest.fixture
def images():
    return list(np.random.default_rng(3).integers(0, 256, (5, 80, 70, 3), np.uint8))


def test_codes_are_those_of_the_representation(tmp_path, images):
    base_path, code = tiny_model(tmp_path / "base.onnx"), linear_code()
    model = HashModel.load(write_adapted(tmp_path, base_path, code))
    hashed = model.encode_all(images)
    vectors = vectors_of(HashModel.load(base_path), images)
    assert hashed.vectors is not None and np.array_equal(hashed.vectors, vectors)
    assert np.array_equal(hashed.codes, code.codes(vectors))
    assert np.array_equal(hashed.codes, model.codes_of(vectors))
    assert np.array_equal(model.codes_of(vectors, 64), model.encode(images, 64))
    assert np.array_equal(model.logits(images), code.logits(vectors))
    assert (
        model.bits == 128
        and model.lineage == adaptation_lineage("tiny", code)
        and model.golden_drift == 0
    )


def test_an_adaptation_can_be_adapted_again(tmp_path, images):
    base_path = tiny_model(tmp_path / "base.onnx")
    once = write_adapted(tmp_path, base_path, linear_code())
    code = linear_code(64, seed=8)
    twice = HashModel.load(write_adapted(tmp_path, once, code))
    vectors = vectors_of(twice, images)
    assert np.array_equal(twice.encode(images), code.codes(vectors))
    assert len(write_adapted(tmp_path, once, code).read_bytes()) < len(once.read_bytes()) + 1000


def test_onnx_finds_the_file_sound(tmp_path):
    path = write_adapted(tmp_path, tiny_model(tmp_path / "base.onnx"), linear_code())
    onnx.checker.check_model(onnx.load(path), full_check=True)


def test_a_model_that_is_no_adaptation_makes_no_codes_of_vectors(tmp_path):
    model = HashModel.load(tiny_model(tmp_path / "base.onnx"))
    assert not model.adapted
    with pytest.raises(ConfigurationError, match="only an adapted model"):
        model.codes_of(np.zeros((1, DIMS), np.int8))


def test_numbers_that_are_not_whole_are_refused(tmp_path):
    base_path, code = tiny_model(tmp_path / "base.onnx"), linear_code()
    for broken in (
        dataclasses.replace(code, matrix=code.matrix + np.float32(0.25)),
        dataclasses.replace(code, matrix=code.matrix * 4),
    ):
        with pytest.raises(ModelError, match="not integers, or too large"):
            read_linear_code(adapted_file(base_path.read_bytes(), read_card(base_path), broken))


def test_a_card_that_claims_an_adaptation_is_refused(tmp_path):
    path = tiny_model(tmp_path / "base.onnx", bits=64, adapted=True)
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.name.startswith("adapted/"):
            tensor.name = "other/" + tensor.name
    for node in model.graph.node:
        for position, name in enumerate(node.input):
            if name.startswith("adapted/"):
                node.input[position] = "other/" + name
    onnx.save(model, path)
    with pytest.raises(ModelError, match="its graph has none"):
        HashModel.open(path)


def test_a_lineage_that_does_not_follow_from_the_content_is_refused(tmp_path):
    base_path, code = tiny_model(tmp_path / "base.onnx"), linear_code(64)
    base, path = HashModel.load(base_path), tmp_path / "claimed.onnx"
    record = AdaptationRecord(base="tiny", base_lineage="another", tiles=9, judged=3, gain=0.2)
    for claim in ({"lineage": "f" * 16}, {"lineage": "tiny"}, {"adaptation": record}):
        card = adapted_card(base, code).model_copy(update=claim)
        path.write_bytes(adapted_file(base_path.read_bytes(), card, code))
        with pytest.raises(ModelError, match=r"claimed.onnx: its card claims the lineage"):
            HashModel.open(path)

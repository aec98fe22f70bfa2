"""A model file of every card format that ever was is loaded by this scenehash, with its codes."""

import json
from pathlib import Path

import numpy as np
import pytest

from scenehash import HashModel

from ...golden.patterns import pattern

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.mark.parametrize("version", [1])
def test_a_golden_model_gives_the_codes_that_it_always_gave(version: int) -> None:
    model = HashModel.load(GOLDEN / f"model-{version}.onnx")
    recorded = json.loads((GOLDEN / f"model-{version}.json").read_text())
    assert model.golden_drift == 0
    assert (model.card.format, model.lineage, model.bits) == (version, "0123456789abcdef", 16)
    tiles = [pattern(number, model.tile_size) for number in range(len(recorded["codes"]))]
    codes = [code.tobytes().hex() for code in model.encode(tiles)]
    assert codes == recorded["codes"]
    assert len(set(codes)) > 8
    np.testing.assert_allclose(model.logits(tiles), recorded["logits"], atol=2e-4)

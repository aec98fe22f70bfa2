"""How the golden model of the present card format was made.

    python -m tests.golden.make_model FOLDER

It is made once for a format version, with model-N.json, which has the codes that it gives. All
later releases must load it and give the same codes. It is never made again.
"""

import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch

from scenehash.model.card import (
    METADATA_KEY,
    CalibrationRecord,
    Card,
    DataRecord,
    FidelityRecord,
    golden_tile,
)
from scenehash.model.hash_model import HashModel
from scenehash_export.gptq import with_biases
from scenehash_export.graph import finish_graph, network_graph
from scenehash_export.observe import observe
from scenehash_export.quantize import quantize
from scenehash_export.ranges import min_max
from scenehash_export.saturation import check_saturation
from scenehash_train.network import HashNetwork
from scenehash_train.onnx_export import open_session

from ..export.conftest import BITS, SIZE, small_network
from .patterns import pattern

CARD = Card(
    name="golden",
    lineage="0123456789abcdef",
    bits=BITS,
    widths=[BITS],
    tile_size=SIZE,
    backbone="small",
    recipe="centres",
    precision="int8",
    data=DataRecord(
        name="patterns",
        classes=["even", "odd"],
        train_images=8,
        test_images=4,
        split_seed=0,
        fingerprint="0" * 32,
    ),
    calibration=CalibrationRecord(method="min_max", images=12),
    fidelity=FidelityRecord(
        images=4,
        bit_flip_rate=0.0,
        codes_unchanged=1.0,
        map_at_20_reference=0.5,
        map_at_20=0.5,
        logit_snr_db=40.0,
        logits_near_zero=0.01,
    ),
    quality={"map_at_20": 0.5},
    licence="Apache-2.0",
    versions={"scenehash": "0.1.0"},
    golden=[],
)


def balanced_network(tiles: npt.NDArray[np.uint8]) -> HashNetwork:
    """A network whose bits are set for half of the tiles, uint8 [N, S, S, 3]."""
    network = small_network()
    last = network.head[-1]  # type: ignore[index]
    with torch.no_grad():
        last.bias -= network(torch.from_numpy(tiles)).median(0).values
        last.bias.mul_(30)
        last.weight.mul_(30)
    return network


def main(folder: Path) -> None:
    tiles = [pattern(number, SIZE) for number in range(16)]
    plain = with_biases(network_graph(balanced_network(np.stack(tiles)), SIZE))
    observed = observe(plain, tiles)
    graph = quantize(plain, {name: min_max(tensor) for name, tensor in observed.tensors.items()})
    finish_graph(graph)
    check_saturation(graph)
    model = HashModel(open_session(graph), CARD)
    codes, logits = model.encode(tiles), model.logits(tiles)
    records = [golden_tile(f"pattern {n}", tiles[n], codes[n], logits[n]) for n in range(2)]
    card = CARD.model_copy(update={"golden": records})
    graph.metadata_props.add(key=METADATA_KEY, value=card.to_json())
    onnx.save(graph, folder / f"model-{card.format}.onnx")
    document = {
        "codes": [code.tobytes().hex() for code in codes],
        "logits": [[round(float(value), 4) for value in row] for row in logits],
    }
    path = folder / f"model-{card.format}.json"
    path.write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

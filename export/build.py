"""From a run to a model file: graph, quantization, fidelity, card."""

import importlib.metadata
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx

from edge_runtime.card import METADATA_KEY, CalibrationRecord, Card, FidelityRecord, golden_tile
from edge_runtime.console import track
from edge_runtime.demo_scenes import draw
from edge_runtime.errors import ModelError
from edge_runtime.model import HashModel
from edge_runtime.tiles import Image, read_image, to_tile
from train.data import LabelledImage, labels
from train.evaluation import retrieval_quality
from train.judging import model_codes, network_codes
from train.lowering import lower
from train.network import HashNetwork
from train.runs import Run

from .fidelity import Threshold, check, compare
from .graph import LOGITS, add_codes, tidy, use_bytes_as_quantized
from .quantize import METHOD, check_quantized, executed_operators, quantize

Precision = Literal["fp32", "int8"]

CALIBRATION_IMAGES = 256
GOLDEN_KINDS = ("harbor", "houses", "forest", "fields")
LICENCE = "Apache-2.0"
PACKAGES = ("scenehash", "torch", "onnx", "onnxruntime", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class Exported:
    """What an export made."""

    path: Path
    card: Card
    operators: dict[str, int]


def export_run(
    run: Run,
    out: Path,
    precision: Precision,
    threshold: Threshold,
    calibration_images: int = CALIBRATION_IMAGES,
) -> Exported:
    """Write a run's model file.

    It is compared, through the device's runtime, with the network in PyTorch on the run's test
    images. Raises FidelityError, and writes nothing, when it departs further than the threshold;
    InputError when the run's images are no longer where they were.
    """
    network = run.network()
    graph = lower(network, run.config.tile_size, [LOGITS])
    calibration = None
    if precision == "int8":
        chosen = choose_calibration(run.split.train, calibration_images, run.config.seed)
        graph = quantize(graph, _tiles(chosen, run.config.tile_size))
        _skip_preprocessing(graph, network)
        calibration = CalibrationRecord(method=METHOD, images=len(chosen))
    add_codes(graph, run.config.bits)
    tidy(graph)
    onnx.checker.check_model(graph, full_check=True)
    operators = executed_operators(graph)
    if precision == "int8":
        check_quantized(operators)

    judges = labels(run.split.test)
    reference = network_codes(network, run.split.test, run.config.tile_size)
    draft = _card(run, precision, calibration)
    partial = out.with_name(out.name + ".partial")
    try:
        _write(graph, draft, partial)
        codes = model_codes(HashModel.open(partial, os.cpu_count() or 1), run.split.test)
        fidelity = compare(reference, codes, judges, run.config.seed)
        check(fidelity, threshold)
        quality = retrieval_quality(codes, judges, run.config.seed).as_dict()
        card = _finished(draft, partial, fidelity, quality)
        _write(graph, card, partial)
        HashModel.load(partial)
        partial.replace(out)
    except OSError as error:
        raise ModelError(f"{out}: cannot be written ({error.strerror})") from error
    finally:
        partial.unlink(missing_ok=True)
    return Exported(out, card, operators)


def choose_calibration(
    images: Sequence[LabelledImage], count: int, seed: int
) -> list[LabelledImage]:
    """Choose images at random, the same number of each class as far as possible."""
    rng = np.random.default_rng(seed)
    turn = np.zeros(len(images), np.int64)
    classes = labels(images)
    for label in np.unique(classes):
        members = rng.permutation(np.flatnonzero(classes == label))
        turn[members] = np.arange(len(members))
    order = np.lexsort((classes, turn))
    return [images[position] for position in order[:count]]


def _tiles(images: Sequence[LabelledImage], tile_size: int) -> Iterator[Image]:
    for image in track(images, len(images), "calibrate"):
        yield to_tile(read_image(image.path), tile_size)


def _skip_preprocessing(graph: onnx.ModelProto, network: HashNetwork) -> None:
    mean, scale = network.mean.flatten().tolist(), network.scale.flatten().tolist()
    if len(mean) == len(scale) == 1 and mean[0] in range(256) and scale[0].is_integer():
        use_bytes_as_quantized(graph, int(mean[0]), int(scale[0]))


def _card(run: Run, precision: Precision, calibration: CalibrationRecord | None) -> Card:
    config = run.config
    return Card(
        name=f"{run.archive_name}-{config.recipe}-{config.bits}-{precision}",
        lineage=run.lineage,
        bits=config.bits,
        tile_size=config.tile_size,
        backbone=config.backbone,
        recipe=config.recipe,
        precision=precision,
        data=run.data_record(),
        calibration=calibration,
        fidelity=None,
        quality={},
        licence=LICENCE,
        versions={name: importlib.metadata.version(name) for name in PACKAGES},
        golden=[],
    )


def _finished(draft: Card, path: Path, fidelity: FidelityRecord, quality: dict[str, float]) -> Card:
    """The card with what was measured, and the golden tiles as this machine hashes them."""
    model = HashModel.open(path)
    golden = []
    for kind in GOLDEN_KINDS:
        # Drawn scenes, never the user's images: the file may go where those may not.
        tile = draw(kind, seed=0, size=draft.tile_size)
        code, logits = model.encode([tile])[0], model.logits([tile])[0]
        golden.append(golden_tile(kind, tile, code, logits))
    return draft.model_copy(update={"fidelity": fidelity, "quality": quality, "golden": golden})


def _write(graph: onnx.ModelProto, card: Card, path: Path) -> None:
    del graph.metadata_props[:]
    graph.metadata_props.add(key=METADATA_KEY, value=card.to_json())
    onnx.save(graph, path)

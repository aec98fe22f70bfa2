"""From a run to a model file: graph, quantization, fidelity, card."""

import importlib.metadata
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx

from scenehash.cli.console import track
from scenehash.codes import pack
from scenehash.demo.tiles import query_path
from scenehash.errors import InputError, ModelError
from scenehash.model.card import METADATA_KEY, CalibrationRecord, Card, FidelityRecord, golden_tile
from scenehash.model.hash_model import HashModel
from scenehash.scenes import read_tile
from scenehash.tiles import Image
from scenehash_train.config import Config
from scenehash_train.data import LabelledImage, labels, memberships
from scenehash_train.evaluation import model_logits, network_logits
from scenehash_train.metrics import retrieval_quality
from scenehash_train.runs import Run

from .calibrate import calibrate
from .fidelity import Threshold, check, check_lowering, compare
from .graph import finish_graph, lower_network
from .quantize import check_quantized, check_weights, executed_operators
from .saturation import check_saturation

Precision = Literal["fp32", "int8"]

CALIBRATION_IMAGES = 256
GOLDEN_KINDS = ("harbor", "denseresidential", "forest", "agricultural")
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
    licence: str = "not stated",
    grouped: bool = True,
) -> Exported:
    """Write a run's model file; grouped as in finish_graph.

    It is compared, through the device's runtime, with the network in PyTorch on the run's test
    images. Raises FidelityError, and writes nothing, when it departs further than the threshold;
    InputError when the run's images are no longer where they were.
    """
    _check_paths(run, out)
    network = run.network()
    graph = lower_network(network, run.config.tile_size)
    check_lowering(network, graph, np.stack([_golden(kind, run) for kind in GOLDEN_KINDS]))
    calibration = None
    if precision == "int8":
        known, held_out = choose_calibration(run.split.train, calibration_images, run.config.seed)
        config = run.config
        calibrated = calibrate(
            graph, lambda: _tiles(known, config), lambda: _tiles(held_out, config)
        )
        graph, calibration = calibrated.graph, calibrated.record
    finish_graph(graph, grouped)
    operators = executed_operators(graph)
    if calibration is not None:
        check_quantized(operators, len(calibration.float_layers))
        check_weights(graph)
        check_saturation(graph)

    judges = labels(run.split.test)
    size, params = run.config.tile_size, run.config.decode_params
    reference = network_logits(network, run.split.test, size, params=params)
    draft = _card(run, precision, calibration, licence)
    partial = out.with_name(out.name + ".partial")
    try:
        _write(graph, draft, partial)
        logits = model_logits(HashModel.open(partial, os.cpu_count() or 1), run.split.test)
        fidelity = compare(reference, logits, judges, run.classes, run.config.seed)
        check(fidelity, threshold)
        quality = retrieval_quality(pack(logits), judges, run.config.seed).as_dict()
        card = _finished(draft, partial, run, fidelity, quality)
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
) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Choose images at random, the same number of each class as far as possible.

    One of several classes counts for the rarest of them.

    Gives those to calibrate on and, as many again where there are so many, those to compare on. At
    least a quarter of all is kept for that.
    """
    rng = np.random.default_rng(seed)
    turn = np.zeros(len(images), np.int64)
    members = memberships(labels(images))
    classes = np.where(members, members.sum(axis=0), len(images) + 1).argmin(axis=1)
    for label in np.unique(classes):
        members = rng.permutation(np.flatnonzero(classes == label))
        turn[members] = np.arange(len(members))
    order = np.lexsort((classes, turn))
    count = min(count, 3 * len(images) // 4)
    chosen = [images[position] for position in order[: 2 * count]]
    return chosen[:count], chosen[count:]


def _tiles(images: Sequence[LabelledImage], config: Config) -> Iterator[Image]:
    for image in track(images, len(images), "calibrate"):
        yield read_tile(image.path, config.tile_size, config.decode_params)


def _check_paths(run: Run, out: Path) -> None:
    """Find out before minutes of work what would stop it at the end."""
    if not os.access(out.parent, os.W_OK) or out.is_dir():
        raise InputError(f"{out}: no model file can be written there; give --out FOLDER/NAME.onnx")
    for image in (*run.split.train, *run.split.test):
        if not image.path.is_file():
            raise InputError(
                f"{image.path}: an image of {run.path} is no longer there; the export needs them: "
                "put them back, or train again where they are now"
            )


def _golden(kind: str, run: Run) -> Image:
    # The package's own tiles, never the user's images: the file may go where those may not.
    return read_tile(query_path(kind), run.config.tile_size)


def _card(
    run: Run, precision: Precision, calibration: CalibrationRecord | None, licence: str
) -> Card:
    config = run.config
    return Card(
        name=f"{run.archive_name}-{config.method}-{config.bits}-{precision}",
        lineage=run.lineage,
        bits=config.bits,
        widths=list(config.widths),
        tile_size=config.tile_size,
        decode_params=config.decode_params,
        backbone=config.backbone,
        recipe=config.method,
        precision=precision,
        data=run.data_record(),
        calibration=calibration,
        fidelity=None,
        quality={},
        licence=licence,
        versions={name: importlib.metadata.version(name) for name in PACKAGES},
        golden=[],
    )


def _finished(
    draft: Card, path: Path, run: Run, fidelity: FidelityRecord, quality: dict[str, float]
) -> Card:
    """The card with what was measured, and the golden tiles as this machine hashes them."""
    model = HashModel.open(path)
    golden = []
    for kind in GOLDEN_KINDS:
        tile = _golden(kind, run)
        code, logits = model.encode([tile])[0], model.logits([tile])[0]
        golden.append(golden_tile(kind, tile, code, logits))
    return draft.model_copy(update={"fidelity": fidelity, "quality": quality, "golden": golden})


def _write(graph: onnx.ModelProto, card: Card, path: Path) -> None:
    del graph.metadata_props[:]
    graph.metadata_props.add(key=METADATA_KEY, value=card.to_json())
    onnx.save(graph, path)

"""From a run to a model file: graph, quantization, fidelity, card."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from scenehash.codes import pack
from scenehash.demo.tiles import query_path
from scenehash.errors import InputError, ModelError
from scenehash.files import atomic_path
from scenehash.model.card import (
    METADATA_KEY,
    Card,
    GoldenTile,
    RepresentationRecord,
    golden_tile,
)
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT, Progress, track
from scenehash.scenes import read_tile
from scenehash.tiles import Image
from scenehash_train.config import Config
from scenehash_train.data import LabelledImage, labels, memberships
from scenehash_train.evaluation import model_outputs, network_outputs
from scenehash_train.metrics import retrieval_quality
from scenehash_train.onnx_export import open_session
from scenehash_train.runs import Run

from .calibrate import calibrate
from .exact_additions import check_additions
from .fidelity import check_onnx_export, compare, too_far, within_limits
from .fidelity_report import write_report
from .graph import finish_graph, network_graph
from .layer_snr import decibels
from .options import ExportOptions
from .quantize import check_quantized, check_weights, executed_operators
from .saturation import check_exact_path, check_saturation
from .stages import BuiltGraph, Measured, StageCache, versions

GOLDEN_KINDS = ("harbor", "denseresidential", "forest", "agricultural")
# Calibration tiles on which onnxruntime's exact path must give the same bits.
EXACT_TILES = 64


@dataclass(frozen=True)
class Exported:
    """A model file, its card, its operators in ONNX Runtime, and the report if there is one."""

    path: Path
    card: Card
    operators: dict[str, int]
    report: Path | None = None

    def document(self) -> dict[str, Any]:
        """The export as plain values."""
        return {
            "model": str(self.path),
            "bytes": self.path.stat().st_size,
            "operators": self.operators,
            "report": None if self.report is None else str(self.report),
            "card": self.card.summary(),
        }


def export(
    run: Run | Path,
    out: Path | None = None,
    options: ExportOptions | None = None,
    report: Path | None = None,
    progress: Progress = SILENT,
) -> Exported:
    """Write the model file of a run, and compare it with its PyTorch network on the test images.

    run: a run, or its folder. out: the file, RUN/model-PRECISION.onnx by default. report: write the
    fidelity report to this HTML file, and to a JSON file of the same name.

    If the file differs from the network by more than options.limits, the function raises
    FidelityError and writes no model file; it then always writes the report, by default next to
    out. The run folder keeps the stages: a second call with other limits takes seconds, and a call
    after an interruption continues. Raises InputError when the run's images have moved or out
    cannot be written, ModelError on a disk error.
    """
    options = ExportOptions() if options is None else options
    run = Run.open(run) if isinstance(run, Path) else run
    out = run.path / f"model-{options.precision}.onnx" if out is None else out
    _check_paths(run, out, report)
    stages = StageCache(run, options)
    built = stages.graph()
    if built is not None:
        progress.message(f"continuing from {stages.folder}")
    else:
        built = _build_graph(run, options, progress)
        stages.keep_graph(built)
    card = _card(run, options, built)
    measured = stages.measured()
    if measured is None:
        measured = _measure(run, HashModel(open_session(built.graph), card), progress)
        stages.keep_measured(measured)
    card = _measured_card(card, measured)

    passed = within_limits(measured.fidelity, options.limits)
    if report is None and not passed:
        report = out.with_suffix(".fidelity.html")
    if report is not None:
        write_report(card, built.operators, options.limits, passed, report)
    if not passed:
        assert report is not None
        raise too_far(measured.fidelity, options.limits, report)
    _write(built.graph, card, out)
    return Exported(out, card, built.operators, report)


def choose_calibration(
    images: Sequence[LabelledImage], count: int, seed: int
) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Choose images at random, as far as possible the same number of each class.

    An image of several classes counts for the rarest of them. Gives the images to calibrate on, and
    as many others, if there are so many, to compare methods on; at least a quarter of all images
    are kept for the comparison.
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


def _check_paths(run: Run, out: Path, report: Path | None) -> None:
    """Find what would stop the export at its end before minutes of work."""
    if report is not None and (not os.access(report.parent, os.W_OK) or report.is_dir()):
        raise InputError(
            f"{report}: no report can be written there; give --report FOLDER/NAME.html"
        )
    if not os.access(out.parent, os.W_OK) or out.is_dir():
        raise InputError(f"{out}: no model file can be written there; give --out FOLDER/NAME.onnx")
    for image in (*run.split.train, *run.split.test):
        if not image.path.is_file():
            raise InputError(
                f"{image.path}: this image of {run.path} is missing, and the export needs it; put "
                "the images back, or train again where they are now"
            )


def _build_graph(run: Run, options: ExportOptions, progress: Progress) -> BuiltGraph:
    size = run.config.tile_size
    network = run.network()
    graph = network_graph(network, size)
    check_onnx_export(
        network, graph, np.stack([_golden_image(kind, size) for kind in GOLDEN_KINDS])
    )
    if options.precision == "fp32":
        finish_graph(graph, options.group_pixels)
        return BuiltGraph(graph, None, executed_operators(graph))
    chosen = choose_calibration(run.split.train, options.calibration_images, run.config.seed)
    calibration, held_out = (_reader(images, run.config, progress) for images in chosen)
    calibrated = calibrate(graph, calibration, held_out, progress)
    graph = calibrated.graph
    finish_graph(graph, options.group_pixels)
    operators = executed_operators(graph)
    check_quantized(operators, len(calibrated.record.float_layers))
    check_weights(graph)
    check_saturation(graph)
    check_additions(graph)
    tiles = [tile for tile, _ in zip(calibration("check sums"), range(EXACT_TILES), strict=False)]
    check_exact_path(graph, tiles)
    return BuiltGraph(graph, calibrated.record, operators)


def _reader(
    images: Sequence[LabelledImage], config: Config, progress: Progress
) -> Callable[[str], Iterator[Image]]:
    """A function that gives the tiles of images, at each call; it is told what for."""

    def read(what: str) -> Iterator[Image]:
        for image in track(images, len(images), what, progress):
            yield read_tile(image.path, config.tile_size, config.decode_params)

    return read


def _measure(run: Run, model: HashModel, progress: Progress) -> Measured:
    """Fidelity and quality on the test images, and the golden tiles as this machine hashes them."""
    test = run.split.test
    truth = labels(test)
    size, params = run.config.tile_size, run.config.decode_params
    reference, exact = network_outputs(run.network(), test, size, params, progress)
    logits, whole = model_outputs(model, test, progress)
    return Measured(
        representation_snr_db=(
            None if exact is None or whole is None else round(decibels(exact, whole), 2)
        ),
        fidelity=compare(reference, logits, truth, run.classes, run.config.seed),
        quality=retrieval_quality(pack(logits), truth, run.config.seed).as_dict(),
        golden=[_golden_tile(kind, model) for kind in GOLDEN_KINDS],
    )


def _measured_card(card: Card, measured: Measured) -> Card:
    values = {"fidelity": measured.fidelity, "quality": measured.quality, "golden": measured.golden}
    if card.representation is not None:
        noise = {"snr_db": measured.representation_snr_db}
        values["representation"] = card.representation.model_copy(update=noise)
    return card.model_copy(update=values)


def _golden_tile(kind: str, model: HashModel) -> GoldenTile:
    tile = _golden_image(kind, model.tile_size)
    return golden_tile(kind, tile, model.encode([tile])[0], model.logits([tile])[0])


def _golden_image(kind: str, tile_size: int) -> Image:
    # The package's own tiles, never the user's images: the file may go where those may not.
    return read_tile(query_path(kind), tile_size)


def _card(run: Run, options: ExportOptions, built: BuiltGraph) -> Card:
    config = run.config
    return Card(
        name=f"{run.archive_name}-{config.method}-{config.bits}-{options.precision}",
        lineage=run.lineage,
        bits=config.bits,
        widths=list(config.widths),
        tile_size=config.tile_size,
        decode_params=config.decode_params,
        backbone=config.backbone,
        recipe=config.method,
        precision=options.precision,
        data=run.data_record(),
        calibration=built.calibration,
        fidelity=None,
        quality={},
        representation=_representation(run),
        licence=options.licence,
        versions=versions(),
        golden=[],
    )


def _representation(run: Run) -> RepresentationRecord | None:
    compact = run.network().compact
    if compact is None:
        return None
    return RepresentationRecord(frame=f"{run.lineage}-{compact.frame}", dims=compact.dims)


def _write(graph: onnx.ModelProto, card: Card, out: Path) -> None:
    """Write the file whole or not at all, once it was loaded as a device does."""
    del graph.metadata_props[:]
    graph.metadata_props.add(key=METADATA_KEY, value=card.to_json())
    try:
        with atomic_path(out) as partial:
            onnx.save(graph, partial)
            HashModel.load(partial, made_here=True)
    except OSError as error:
        raise ModelError(f"{out}: cannot be written ({error.strerror})") from error

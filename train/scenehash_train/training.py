"""A training run from beginning to end: archives, split, the phases, quality."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scenehash.codes import Codes, pack
from scenehash.progress import SILENT, Progress

from .augmentation import PLAIN, views_of
from .backbones import load_backbone
from .compact import fit_compact
from .config import Config, make_config
from .data import Collection, labels, read_archive
from .device import training_device
from .evaluation import network_codes
from .finetune import MovingSet, finetune
from .fit import fit
from .metrics import retrieval_quality
from .plots import plot_history
from .projection import IMAGES_AT_ONCE, fit_projection, project
from .recipes import TrainingSet, check_labels, make_recipe
from .representations import Represented, represent
from .runs import CHECKPOINT, CURVE, FINETUNE, RUN, Run, finish_run, start_run
from .tuning_network import TuningNetwork


@dataclass(frozen=True)
class Trained:
    """A finished run, and the archives that it was trained on."""

    run: Run
    archives: Collection

    def document(self) -> dict[str, Any]:
        """The run as plain values."""
        run = self.run
        return {
            "run": str(run.path),
            "lineage": run.lineage,
            "bits": run.config.bits,
            "widths": list(run.config.widths),
            "recipe": run.config.method,
            "classes": len(run.classes),
            "train_images": len(run.split.train),
            "test_images": len(run.split.test),
            "set_aside": [
                {"path": str(path), "reason": reason} for path, reason in self.archives.set_aside
            ],
            "quality": run.quality,
            "seconds": {stage: round(value, 1) for stage, value in run.seconds.items()},
        }


def train(
    data: Sequence[Path],
    out: Path | None = None,
    config: Config | None = None,
    progress: Progress = SILENT,
) -> Trained:
    """Train a hash head on one or several archives.

    data: their folders; see read_archive. out: the run folder, runs/DATA-RECIPE-BITS-SEED by
    default. If out holds a finished run with the same configuration and images, the function
    returns that run; it continues an interrupted run. config: make_config({}) by default. Raises
    InputError when data or out cannot be used, ConfigurationError when they do not fit the
    configuration, and MissingExtraError.
    """
    config = make_config({}) if config is None else config
    out = default_folder(data, config) if out is None else out
    backbone = load_backbone(config.backbone, config.tile_size)
    if config.finetune is not None:
        backbone.last_blocks(config.finetune.blocks)  # an error here costs no work
    params = config.decode_params
    archives = Collection(tuple(read_archive(root, progress, params) for root in data))
    parts = archives.split(config.seed)
    check_labels(config, labels(parts.train))
    start_run(out, config, archives, parts)
    if (out / RUN).is_file():
        progress.message(f"{out}: this run is finished already, with the same configuration")
        return Trained(Run.open(out), archives)

    started = time.perf_counter()
    views = views_of(config)
    made = partial(represent, tile_size=config.tile_size, progress=progress, params=params)
    train_vectors = made(parts.train, backbone, views=views)
    test_vectors = made(parts.test, backbone, views=PLAIN)
    represented = time.perf_counter()
    projection = fit_projection(
        train_vectors, backbone.parts, config.settings.components, config.seed
    )
    frozen = TrainingSet(project(train_vectors, projection), labels(parts.train))
    recipe = make_recipe(config, frozen)
    history = fit(recipe, config.seed, out / CHECKPOINT, progress=progress)
    head = recipe.head.finished(projection)
    fitted = time.perf_counter()
    seconds = {"represent": represented - started, "train": fitted - represented}

    if config.finetune is None:
        codes = _codes(head, test_vectors)
    else:
        size, blocks = config.tile_size, config.finetune.blocks
        network = TuningNetwork(backbone, projection, blocks, size, training_device())
        moving = MovingSet(frozen.vectors, frozen.labels, parts.train, views, size, network, params)
        tuned, more = finetune(recipe, moving, config, out / FINETUNE, progress)
        backbone, head = backbone.with_tuned(network.tuned()), tuned.head.finished(projection)
        history += [entry | {"step": recipe.steps + entry["step"]} for entry in more]
        seconds["finetune"] = time.perf_counter() - fitted
        codes = network_codes(backbone.with_head(head), parts.test, size, params, progress)

    compact = fit_compact(train_vectors, projection, head, config.dims, config.seed)
    quality = retrieval_quality(codes, labels(parts.test), config.seed)
    plot_history(history, f"{archives.name}: {config.method}, {config.bits} bits", out / CURVE)
    record = {"quality": quality.as_dict(), "seconds": seconds, "history": history}
    return Trained(finish_run(out, config, backbone, head, compact, record), archives)


def default_folder(data: Sequence[Path], config: Config) -> Path:
    """The run folder when none is given: runs/DATA-RECIPE-BITS-SEED."""
    names = "+".join(root.resolve().name for root in data)
    return Path("runs") / f"{names}-{config.method}-{config.bits}-seed{config.seed}"


def _codes(head: nn.Module, represented: Represented) -> Codes:
    """Codes uint8 [N, K/8] of the first view; reads a few images at a time."""
    codes = []
    with torch.inference_mode():
        for start in range(0, len(represented), IMAGES_AT_ONCE):
            vectors = represented.read(start, start + IMAGES_AT_ONCE)[:, 0]
            codes.append(pack(head(torch.from_numpy(vectors)).numpy()))
    return np.concatenate(codes)

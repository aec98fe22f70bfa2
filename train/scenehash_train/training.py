"""A training run from beginning to end: archives, split, the phases, quality."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from scenehash.cli.console import notice, progress
from scenehash.codes import Codes, pack
from scenehash.scenes import image_files

from .augmentation import PLAIN, views_of
from .backbones import load_backbone
from .config import Config
from .data import Collection, labels, read_archive
from .evaluation import network_codes
from .finetune import PhaseTwo, finetune
from .fit import fit
from .metrics import retrieval_quality
from .plots import draw_curve
from .projection import IMAGES_AT_ONCE, fit_projection, project
from .recipes import TrainingSet, check_labels, make_recipe
from .representations import Represented, represent
from .runs import CHECKPOINT, CURVE, FINETUNE, RUN, Run, finish_run, start_run


def train(roots: Sequence[Path], out: Path, config: Config) -> tuple[Run, Collection]:
    """Train on one or several archives; the run is in the folder out.

    A run that is finished there already, with the same configuration and images, is returned as
    it is; an interrupted one goes on. Raises InputError and ConfigurationError.
    """
    backbone = load_backbone(config.backbone, config.tile_size)
    if config.finetune is not None:
        backbone.last_blocks(config.finetune.blocks)  # an error here costs no work
    with progress(sum(len(image_files(root)) for root in roots), "read") as advance:
        data = Collection(tuple(read_archive(root, advance) for root in roots))
    parts = data.split(config.seed)
    check_labels(config, labels(parts.train))
    start_run(out, config, data, parts)
    if (out / RUN).is_file():
        notice(f"{out}: finished already with this configuration; nothing to do")
        return Run.open(out), data

    started = time.perf_counter()
    views = views_of(config)
    seen = represent(parts.train, backbone, config.tile_size, views)
    unseen = represent(parts.test, backbone, config.tile_size, PLAIN)
    represented = time.perf_counter()
    projection = fit_projection(seen, backbone.parts, config.settings.components, config.seed)
    learned_from = TrainingSet(project(seen, projection), labels(parts.train))
    recipe = make_recipe(config, learned_from)
    history = fit(recipe, config.seed, out / CHECKPOINT)
    head = recipe.head.finished(projection)
    fitted = time.perf_counter()
    seconds = {"represent": represented - started, "train": fitted - represented}

    if config.finetune is None:
        codes = _codes(head, unseen)
    else:
        before = PhaseTwo(backbone, projection, recipe, learned_from, parts.train, views)
        backbone, head, more = finetune(before, config, config.finetune, out / FINETUNE)
        history += [entry | {"step": recipe.steps + entry["step"]} for entry in more]
        seconds["finetune"] = time.perf_counter() - fitted
        codes = network_codes(backbone.with_head(head), parts.test, config.tile_size)

    quality = retrieval_quality(codes, labels(parts.test), config.seed)
    draw_curve(history, f"{data.name}: {config.method}, {config.bits} bits", out / CURVE)
    record = {"quality": quality.as_dict(), "seconds": seconds, "history": history}
    return finish_run(out, config, backbone, head, record), data


def _codes(head: nn.Module, represented: Represented) -> Codes:
    """Codes uint8 [N, K/8] of the first view; reads a few images at a time."""
    codes = []
    with torch.inference_mode():
        for start in range(0, len(represented), IMAGES_AT_ONCE):
            vectors = represented.read(start, start + IMAGES_AT_ONCE)[:, 0]
            codes.append(pack(head(torch.from_numpy(vectors)).numpy()))
    return np.concatenate(codes)

"""A training run from beginning to end: archive, split, representations, head, quality."""

import time
from pathlib import Path

import torch

from edge_runtime.codes import pack
from edge_runtime.console import notice, progress
from edge_runtime.scenes import image_files

from .backbones import load_backbone
from .config import Config
from .curve import draw_curve
from .data import Archive, labels, read_archive, split
from .evaluation import retrieval_quality
from .fit import fit
from .recipes import TrainingSet, make_recipe
from .representations import ALL_VIEWS, PLAIN, represent
from .runs import CHECKPOINT, CURVE, RUN, Run, finish_run, start_run


def train(data: Path, out: Path, config: Config) -> tuple[Run, Archive]:
    """Train on a folder-a-class data set; the run is in the folder out.

    A run that is finished there already, with the same configuration and images, is returned as
    it is; an interrupted one goes on. Raises InputError and ConfigurationError.
    """
    backbone = load_backbone(config.backbone, config.tile_size)
    with progress(len(image_files(data)), "read") as advance:
        archive = read_archive(data, advance)
    parts = split(archive.images, config.seed)
    start_run(out, config, archive, parts)
    if (out / RUN).is_file():
        notice(f"{out}: finished already with this configuration; nothing to do")
        return Run.open(out), archive

    started = time.perf_counter()
    views = ALL_VIEWS[: config.settings.views]
    seen = represent(parts.train, backbone, config.tile_size, views)
    unseen = represent(parts.test, backbone, config.tile_size, PLAIN)[:, 0]
    represented = time.perf_counter()
    recipe = make_recipe(config, TrainingSet(seen, labels(parts.train)))
    history = fit(recipe, config.seed, out / CHECKPOINT)
    head = recipe.finished_head()
    fitted = time.perf_counter()

    with torch.inference_mode():
        codes = pack(head(torch.from_numpy(unseen)).numpy())
    quality = retrieval_quality(codes, labels(parts.test), config.seed)
    draw_curve(history, f"{archive.name}: {config.recipe}, {config.bits} bits", out / CURVE)
    seconds = {"represent": represented - started, "train": fitted - represented}
    record = {"quality": quality.as_dict(), "seconds": seconds, "history": history}
    return finish_run(out, config, backbone, head, record), archive

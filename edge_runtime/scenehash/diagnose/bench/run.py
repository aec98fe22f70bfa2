"""One run of bench: all measurements, as one document."""

import importlib.metadata
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenehash.errors import ConfigurationError
from scenehash.model.hash_model import HashModel, shipped_model
from scenehash.progress import SILENT, Progress
from scenehash.scenes import image_of
from scenehash.tiles import to_tile

from ..hardware import read_machine
from .advice import advise
from .process import measure_cold_start
from .scenarios import BATCHES, run_grid, run_scenarios
from .stages import Inputs, demo_inputs, open_pipeline, random_archive, read_inputs, time_stages
from .sustained import run_sustained

COLD_STARTS = 3
Step = Callable[[int], object]


@dataclass(frozen=True)
class Settings:
    """What is measured, and for how long.

    other: a second model file of the same network, such as an FP32 export. folder: where the store
    that is written to lies, on the disk that matters. seconds: of the sustained run; each scenario
    takes a quarter of it, each pair of threads and batch a tenth.
    """

    model: Path | None = None
    other: Path | None = None
    images: Path | None = None
    count: int = 16
    repeats: int = 20
    threads: int = 1
    most_threads: int = 1
    archive: int = 100_000
    seconds: float = 6.0
    folder: Path | None = None


def run_bench(settings: Settings, progress: Progress = SILENT) -> dict[str, Any]:
    """Measure everything; raises ModelError, InputError, and ConfigurationError on two models of
    different networks.
    """
    path = settings.model or shipped_model()
    model = HashModel.load(path, settings.threads)
    others = _others(model, settings)
    inputs = _inputs(settings)
    tiles = [to_tile(image_of(data), model.tile_size) for data in inputs.files]
    steps = (settings.repeats + 1) * len(inputs.files) + COLD_STARTS
    steps += len(BATCHES) * settings.most_threads + 2
    document: dict[str, Any] = {
        "scenehash": importlib.metadata.version("scenehash"),
        "machine": read_machine().document(),
        "model": {
            "file": path.name,
            "name": model.card.name,
            "precision": model.card.precision,
            "bits": model.bits,
            "tile_size": model.tile_size,
            "threads": settings.threads,
        },
        "inputs": inputs.origin,
        "archive": settings.archive,
    }
    archive = random_archive(settings.archive, model.bits)
    with (
        tempfile.TemporaryDirectory(prefix="scenehash-bench", dir=settings.folder) as folder,
        progress.task("bench", steps) as task,
        open_pipeline(model, archive, Path(folder)) as pipeline,
    ):
        timed = time_stages(pipeline, others, inputs, settings.repeats, task.advance)
        document["stages"] = {stage: samples.document() for stage, samples in timed.items()}
        document["scenarios"] = run_scenarios(model, tiles, settings.seconds / 4)
        task.advance(1)
        document["grid"] = []
        for cell in run_grid(path, tiles, settings.most_threads, settings.seconds / 10):
            document["grid"].append(cell)
            task.advance(1)
        document["cold_start"] = measure_cold_start(path, COLD_STARTS, task.advance)
        document["sustained"] = run_sustained(pipeline, inputs, settings.seconds)
        task.advance(1)
    document["advice"] = advise(document)
    return document


def _others(model: HashModel, settings: Settings) -> dict[str, HashModel]:
    if settings.other is None:
        return {}
    other = HashModel.load(settings.other, settings.threads)
    if other.lineage != model.lineage or other.card.precision == model.card.precision:
        raise ConfigurationError(
            f"{settings.other}: {other.card.precision} of lineage {other.lineage}; to compare "
            f"precisions, give another export of lineage {model.lineage} than the "
            f"{model.card.precision} one"
        )
    return {other.card.precision: other}


def _inputs(settings: Settings) -> Inputs:
    if settings.images is None:
        return demo_inputs(settings.count)
    return read_inputs(settings.images, settings.count)

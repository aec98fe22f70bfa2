"""scenehash.bench: all measurements, as one document."""

import importlib.metadata
import tempfile
from pathlib import Path
from typing import Any

from scenehash.errors import ConfigurationError
from scenehash.model.hash_model import HashModel
from scenehash.model.model_file import model_path
from scenehash.progress import SILENT, Progress, track
from scenehash.scenes import image_of
from scenehash.tiles import to_tile

from ..hardware import read_machine
from .advice import advise
from .arm_counts import ARM_COUNTS
from .process import measure_cold_start
from .scenarios import BATCHES, SCENARIOS, run_grid, run_scenarios
from .settings import BenchSettings
from .stages import Inputs, demo_inputs, open_pipeline, random_archive, read_inputs, time_stages
from .sustained import run_sustained

COLD_STARTS = 3
DEFAULTS = BenchSettings()


def bench(settings: BenchSettings = DEFAULTS, progress: Progress = SILENT) -> dict[str, Any]:
    """Measure every stage on this machine; returns plain values, as bench --json prints them.

    Raises ModelError, InputError, and ConfigurationError on two models of different runs.
    """
    machine = read_machine()
    most_threads = settings.most_threads or machine.cores
    path = model_path(settings.model)
    model = HashModel.load(path, settings.threads)
    others = _others(model, settings)
    inputs = _inputs(settings)
    tiles = [to_tile(image_of(data), model.tile_size) for data in inputs.files]
    document: dict[str, Any] = {
        "scenehash": importlib.metadata.version("scenehash"),
        "machine": machine.document(),
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
        open_pipeline(model, archive, Path(folder)) as pipeline,
    ):
        # One bar each: steps of one kind take equally long, so that the time left is true.
        with progress.task("stages", (settings.repeats + 1) * len(inputs.files)) as task:
            timed = time_stages(pipeline, others, inputs, settings.repeats, task.advance)
        document["stages"] = {stage: samples.document() for stage, samples in timed.items()}
        quarter = settings.seconds / 4
        with progress.task("scenarios", SCENARIOS) as task:
            document["scenarios"] = run_scenarios(model, tiles, quarter, task.advance)
        cells = run_grid(path, tiles, most_threads, settings.seconds / 10)
        pairs = len(BATCHES) * most_threads
        document["grid"] = list(track(cells, pairs, "threads and batches", progress))
        with progress.task("cold starts", COLD_STARTS) as task:
            document["cold_start"] = measure_cold_start(path, COLD_STARTS, task.advance)
        with progress.task("sustained, in seconds", int(settings.seconds)) as task:
            document["sustained"] = run_sustained(pipeline, inputs, settings.seconds, task.advance)
    document["arm_instructions"] = ARM_COUNTS
    document["advice"] = advise(document)
    return document


def _others(model: HashModel, settings: BenchSettings) -> dict[str, HashModel]:
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


def _inputs(settings: BenchSettings) -> Inputs:
    if settings.images is None:
        return demo_inputs(settings.count)
    return read_inputs(settings.images, settings.count)

"""Evaluation of a model file or a run on the test part of an archive."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from scenehash.codes import Codes, check_width, pack
from scenehash.decode_params import DecodeParams
from scenehash.errors import InputError
from scenehash.model.card import DataRecord
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT, Progress, track
from scenehash.scenes import read_tile
from scenehash.tiles import Image

from .data import Archive, LabelledImage, labels, read_archive, split
from .metrics import Quality, confusion, retrieval_quality
from .network import HashNetwork
from .runs import Run

BATCH = 8

Floats = npt.NDArray[np.float32]
Hasher = Callable[[Sequence[LabelledImage], Progress], Codes]


@dataclass(frozen=True)
class Evaluated:
    """What is evaluated: a model file or the network of a run, and how it hashes images."""

    lineage: str
    widths: tuple[int, ...]
    precision: str
    data: DataRecord
    params: DecodeParams
    codes: Hasher


@dataclass(frozen=True)
class Evaluation:
    """Retrieval quality on the test part of an archive, split by a seed.

    has_seen_images: the model was trained on this archive with another split, and so on some of the
    test images. confusion: float64 [C, C], see metrics.confusion.
    """

    evaluated: Evaluated
    archive: Archive
    bits: int
    images: int
    seed: int
    quality: Quality
    has_seen_images: bool
    confusion: npt.NDArray[np.float64]

    def by_class(self) -> dict[str, float]:
        """precision@20 by class, 0 to 1, the lowest first; only classes with a test image."""
        right = zip(self.archive.classes, self.confusion.diagonal().tolist(), strict=False)
        known = [pair for pair in right if not np.isnan(pair[1])]
        return dict(sorted(known, key=lambda pair: pair[1]))

    def document(self) -> dict[str, Any]:
        """The evaluation as plain values."""
        return {
            "lineage": self.evaluated.lineage,
            "bits": self.bits,
            "precision": self.evaluated.precision,
            "data": self.archive.name,
            "classes": len(self.archive.classes),
            "test_images": self.images,
            "split_seed": self.seed,
            "has_seen_images": self.has_seen_images,
            **self.quality.as_dict(),
            "precision_by_class": self.by_class(),
        }


def evaluate(
    model: Path,
    data: Path,
    seed: int | None = None,
    bits: int | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Evaluation:
    """Evaluate a model file with the device's runtime, or the network of a run folder.

    Each test image is a query among all other test images. seed: of the split; None: the seed of
    the training. bits: use this many leading bits of a code; None: all. threads: for hashing with a
    model file; None: one per core. Raises InputError, ConfigurationError, ModelError.
    """
    evaluated = _open(model, threads or os.cpu_count() or 1)
    bits = check_width(bits, evaluated.widths)
    archive = read_archive(data, progress, evaluated.params)
    seed = evaluated.data.split_seed if seed is None else seed
    test = split(archive.images, seed).test
    codes = evaluated.codes(test, progress)[:, : bits // 8]
    quality = retrieval_quality(codes, labels(test), seed)
    mixed = confusion(codes, labels(test), seed)
    same_archive = archive.fingerprint in evaluated.data.fingerprints
    has_seen_images = same_archive and seed != evaluated.data.split_seed
    return Evaluation(evaluated, archive, bits, len(test), seed, quality, has_seen_images, mixed)


def _open(path: Path, threads: int) -> Evaluated:
    if not path.exists():
        raise InputError(f"{path}: no such model file or run folder")
    if path.is_dir():
        run = Run.open(path)
        params = run.config.decode_params
        codes = partial(_codes, run.network(), run.config.tile_size, params)
        return Evaluated(run.lineage, run.config.widths, "torch", run.data_record(), params, codes)
    model = HashModel.load(path, threads)
    card = model.card
    codes = partial(model_codes, model)
    return Evaluated(
        card.lineage, model.widths, card.precision, card.data, card.decode_params, codes
    )


def _codes(
    network: HashNetwork,
    tile_size: int,
    params: DecodeParams,
    images: Sequence[LabelledImage],
    progress: Progress,
) -> Codes:
    return network_codes(network, images, tile_size, params, progress)


def model_codes(
    model: HashModel, images: Sequence[LabelledImage], progress: Progress = SILENT
) -> Codes:
    """Codes uint8 [N, K/8] of images, through the device's runtime."""
    return np.concatenate([model.encode(tiles) for tiles in _card_tiles(model, images, progress)])


def model_outputs(
    model: HashModel, images: Sequence[LabelledImage], progress: Progress = SILENT
) -> tuple[Floats, Floats | None]:
    """Logits float32 [N, K] and representations float32 [N, D] of images, through the runtime.

    None where the model gives no representation.
    """
    outputs = [model.outputs(tiles) for tiles in _card_tiles(model, images, progress)]
    logits = np.concatenate([logits for logits, _ in outputs])
    vectors = [vectors for _, vectors in outputs if vectors is not None]
    return logits, np.concatenate(vectors).astype(np.float32) if vectors else None


def network_codes(
    network: HashNetwork,
    images: Sequence[LabelledImage],
    tile_size: int,
    params: DecodeParams | None,
    progress: Progress = SILENT,
) -> Codes:
    """Codes uint8 [N, K/8] of images, decoded with params, through PyTorch."""
    return pack(network_outputs(network, images, tile_size, params, progress)[0])


def network_outputs(
    network: HashNetwork,
    images: Sequence[LabelledImage],
    tile_size: int,
    params: DecodeParams | None,
    progress: Progress = SILENT,
) -> tuple[Floats, Floats | None]:
    """Logits float32 [N, K] of images, decoded with params, through PyTorch.

    And their compact representations float32 [N, D]; None where the network has none.
    """
    logits, compact = [], []
    with torch.inference_mode():
        for tiles in _tiles(images, tile_size, params, progress):
            batch = torch.from_numpy(np.stack(tiles))
            if network.compact is None:
                logits.append(network(batch).numpy())
            else:
                both = network.logits_and_compact(batch)
                logits.append(both[0].numpy())
                compact.append(both[1].numpy())
    return np.concatenate(logits), np.concatenate(compact) if compact else None


def _card_tiles(
    model: HashModel, images: Sequence[LabelledImage], progress: Progress
) -> Iterator[list[Image]]:
    return _tiles(images, model.tile_size, model.card.decode_params, progress)


def _tiles(
    images: Sequence[LabelledImage],
    tile_size: int,
    params: DecodeParams | None,
    progress: Progress,
) -> Iterator[list[Image]]:
    batches = _batches(images)
    for batch in track(batches, len(batches), "hash", progress):
        yield [read_tile(image.path, tile_size, params) for image in batch]


def _batches(images: Sequence[LabelledImage]) -> list[Sequence[LabelledImage]]:
    return [images[start : start + BATCH] for start in range(0, len(images), BATCH)]

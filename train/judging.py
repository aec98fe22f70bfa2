"""Judging a model file or a run on the test part of an archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edge_runtime.codes import Codes, pack
from edge_runtime.console import track
from edge_runtime.errors import InputError
from edge_runtime.model import HashModel
from edge_runtime.tiles import read_image, to_tile

from .data import Archive, LabelledImage, labels, read_archive, split
from .evaluation import Quality, retrieval_quality
from .network import HashNetwork
from .runs import Run

BATCH = 8


@dataclass(frozen=True)
class Judgement:
    """What was judged, on what, and how good it is."""

    model: str
    lineage: str
    bits: int
    precision: str
    archive: Archive
    images: int
    seed: int
    quality: Quality

    def document(self) -> dict[str, Any]:
        """The judgement as plain values."""
        return {
            "model": self.model,
            "lineage": self.lineage,
            "bits": self.bits,
            "precision": self.precision,
            "data": self.archive.name,
            "classes": len(self.archive.classes),
            "test_images": self.images,
            "split_seed": self.seed,
            **self.quality.as_dict(),
        }


def judge(model: Path, data: Path, seed: int | None = None, threads: int = 1) -> Judgement:
    """Judge a model file, through the runtime that a device uses, or the network of a run folder.

    seed: of the split; the one that it was trained with when None. Raises InputError, ModelError.
    """
    if not model.exists():
        raise InputError(f"{model}: no such model file or run folder")
    if model.is_dir():
        run = Run.open(model)
        network = run.network()
        trained_with, precision = run.config.seed, "torch"
        lineage, bits = run.lineage, run.config.bits
    else:
        hash_model = HashModel.load(model, threads)
        card = hash_model.card
        trained_with, precision = card.data.split_seed, card.precision
        lineage, bits = card.lineage, card.bits
    archive = read_archive(data)
    seed = trained_with if seed is None else seed
    test = split(archive.images, seed).test
    codes = (
        network_codes(network, test, run.config.tile_size)
        if model.is_dir()
        else model_codes(hash_model, test)
    )
    quality = retrieval_quality(codes, labels(test), seed)
    return Judgement(str(model), lineage, bits, precision, archive, len(test), seed, quality)


def model_codes(model: HashModel, images: Sequence[LabelledImage]) -> Codes:
    """Codes uint8 [N, K/8] of images, through the device's runtime."""
    batches = _batches(images)
    return np.concatenate(
        [
            model.encode([read_image(image.path) for image in batch])
            for batch in track(batches, len(batches), "hash")
        ]
    )


def network_codes(network: HashNetwork, images: Sequence[LabelledImage], tile_size: int) -> Codes:
    """Codes uint8 [N, K/8] of images, through PyTorch."""
    batches = _batches(images)
    codes = []
    with torch.inference_mode():
        for batch in track(batches, len(batches), "hash"):
            tiles = np.stack([to_tile(read_image(image.path), tile_size) for image in batch])
            codes.append(pack(network(torch.from_numpy(tiles)).numpy()))
    return np.concatenate(codes)


def _batches(images: Sequence[LabelledImage]) -> list[Sequence[LabelledImage]]:
    return [images[start : start + BATCH] for start in range(0, len(images), BATCH)]

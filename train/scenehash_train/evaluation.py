"""Judging a model file or a run on the test part of an archive."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from scenehash.cli.console import track
from scenehash.codes import Codes, check_width, pack
from scenehash.errors import InputError
from scenehash.model.card import DataRecord
from scenehash.model.hash_model import HashModel
from scenehash.scenes.decoding import read_image
from scenehash.tiles import Image, to_tile

from .data import Archive, LabelledImage, labels, read_archive, split
from .metrics import Quality, confusion, retrieval_quality
from .network import HashNetwork
from .runs import Run

BATCH = 8


@dataclass(frozen=True)
class Subject:
    """What is judged: whose codes they are, what it was trained on, and how it hashes images."""

    lineage: str
    widths: tuple[int, ...]
    precision: str
    data: DataRecord
    codes: Callable[[Sequence[LabelledImage]], Codes]


@dataclass(frozen=True)
class Judgement:
    """How good a subject is on the test part of an archive, split by a seed.

    has_seen_images: the archive is one that it was trained on, but split by another seed, so
    that images that trained it are among those that judge it.
    """

    subject: Subject
    archive: Archive
    bits: int
    images: int
    seed: int
    quality: Quality
    has_seen_images: bool
    confusion: npt.NDArray[np.float64]

    def by_class(self) -> dict[str, float]:
        """The fraction of hits that are right, precision@20, of each class; the worst first.

        Classes without a test image are left out.
        """
        right = zip(self.archive.classes, self.confusion.diagonal().tolist(), strict=False)
        known = [pair for pair in right if not np.isnan(pair[1])]
        return dict(sorted(known, key=lambda pair: pair[1]))

    def document(self) -> dict[str, Any]:
        """The judgement as plain values."""
        return {
            "lineage": self.subject.lineage,
            "bits": self.bits,
            "precision": self.subject.precision,
            "data": self.archive.name,
            "classes": len(self.archive.classes),
            "test_images": self.images,
            "split_seed": self.seed,
            "has_seen_images": self.has_seen_images,
            **self.quality.as_dict(),
            "precision_by_class": self.by_class(),
        }


def judge(
    model: Path,
    data: Path,
    seed: int | None = None,
    threads: int = 1,
    bits: int | None = None,
) -> Judgement:
    """Judge a model file, through the runtime that a device uses, or the network of a run folder.

    seed: of the split; the one that it was trained with when None. bits: the first so many, all
    when None. Raises InputError, ModelError.
    """
    subject = _open(model, threads)
    bits = check_width(bits, subject.widths)
    archive = read_archive(data)
    seed = subject.data.split_seed if seed is None else seed
    test = split(archive.images, seed).test
    codes = subject.codes(test)[:, : bits // 8]
    quality = retrieval_quality(codes, labels(test), seed)
    mixed = confusion(codes, labels(test), seed)
    same_archive = archive.fingerprint in subject.data.fingerprints
    has_seen_images = same_archive and seed != subject.data.split_seed
    return Judgement(subject, archive, bits, len(test), seed, quality, has_seen_images, mixed)


def _open(path: Path, threads: int) -> Subject:
    if not path.exists():
        raise InputError(f"{path}: no such model file or run folder")
    if path.is_dir():
        run = Run.open(path)
        network, size = run.network(), run.config.tile_size
        hash_images = partial(network_codes, network, tile_size=size)
        return Subject(run.lineage, run.config.widths, "torch", run.data_record(), hash_images)
    model = HashModel.load(path, threads)
    card = model.card
    return Subject(
        card.lineage, model.widths, card.precision, card.data, partial(model_codes, model)
    )


def model_codes(model: HashModel, images: Sequence[LabelledImage]) -> Codes:
    """Codes uint8 [N, K/8] of images, through the device's runtime."""
    return np.concatenate([model.encode(batch) for batch in _images(images)])


def model_logits(model: HashModel, images: Sequence[LabelledImage]) -> npt.NDArray[np.float32]:
    """Logits float32 [N, K] of images, through the device's runtime."""
    return np.concatenate([model.logits(batch) for batch in _images(images)])


def network_codes(network: HashNetwork, images: Sequence[LabelledImage], tile_size: int) -> Codes:
    """Codes uint8 [N, K/8] of images, through PyTorch."""
    return pack(network_logits(network, images, tile_size))


def network_logits(
    network: HashNetwork, images: Sequence[LabelledImage], tile_size: int
) -> npt.NDArray[np.float32]:
    """Logits float32 [N, K] of images, through PyTorch."""
    logits = []
    with torch.inference_mode():
        for batch in _images(images):
            tiles = np.stack([to_tile(image, tile_size) for image in batch])
            logits.append(network(torch.from_numpy(tiles)).numpy())
    return np.concatenate(logits)


def _images(images: Sequence[LabelledImage]) -> Iterator[list[Image]]:
    batches = _batches(images)
    for batch in track(batches, len(batches), "hash"):
        yield [read_image(image.path) for image in batch]


def _batches(images: Sequence[LabelledImage]) -> list[Sequence[LabelledImage]]:
    return [images[start : start + BATCH] for start in range(0, len(images), BATCH)]

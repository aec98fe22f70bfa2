"""Recipes: how a hash head is trained on representations.

    centres   fixed class codes, and similarities of the representation kept (the default)
    mhcln     the paper's: triplets, push, balance (Roy, Sangineto, Demir, Sebe, IGARSS 2018)

A recipe owns its head and its optimizer; train/fit.py asks it for the terms of the loss, a step at
a time, and never looks inside.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from .config import CentresSettings, Config, MhclnSettings
from .head import Standardise, folded, plain_mlp
from .losses.balance import balance_loss
from .losses.centre import centre_loss, default_scale, draw_centres
from .losses.push import push_loss
from .losses.similarity import similarity_loss
from .losses.triplet import triplet_loss

MHCLN_HIDDEN = (1024, 512)
MHCLN_SLOPE = 0.2
MIN_DEVIATION = 1e-3


@dataclass(frozen=True)
class TrainingSet:
    """Representations float32 [N, V, D] of N images in V views, and their classes int64 [N]."""

    representations: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]

    @property
    def width(self) -> int:
        """Dimensions D of a representation."""
        return int(self.representations.shape[2])

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.labels.max()) + 1


class Recipe(ABC):
    """A head in training. terms gives the parts of the loss, whose sum is minimised."""

    steps: int
    head: nn.Sequential
    optimizer: torch.optim.Optimizer

    @abstractmethod
    def terms(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The terms of the loss on a batch that rng draws."""

    @abstractmethod
    def learning_rate(self, step: int) -> float:
        """The learning rate of a step, 0 to steps - 1."""

    @abstractmethod
    def finished_head(self) -> nn.Sequential:
        """The head as it is stored and exported, like one that build_head makes."""


class Centres(Recipe):
    """Fixed class codes; similarities of the representation are kept, for scenes of other kinds."""

    def __init__(self, settings: CentresSettings, bits: int, seed: int, data: TrainingSet) -> None:
        self.steps = settings.steps
        self._settings = settings
        self._data = data
        self._representations = torch.from_numpy(data.representations)
        self._labels = torch.from_numpy(data.labels)
        self._centres = torch.from_numpy(draw_centres(data.classes, bits, seed))
        self._scale = default_scale(data.classes)
        flat = self._representations.flatten(0, 1)
        self._standardise = Standardise(flat.mean(0), flat.std(0).clamp_min(MIN_DEVIATION))
        self.head = nn.Sequential(
            self._standardise,
            nn.Dropout(settings.dropout),
            nn.Linear(data.width, settings.hidden),
            nn.BatchNorm1d(settings.hidden),
            nn.ReLU(),
            nn.Dropout(settings.dropout),
            nn.Linear(settings.hidden, bits),
            # Each bit is set for half of the images: none is wasted.
            nn.BatchNorm1d(bits, affine=False),
        )
        self.optimizer = torch.optim.AdamW(
            self.head.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
        )

    def terms(self, rng: np.random.Generator) -> dict[str, Tensor]:
        count, views, _ = self._representations.shape
        images = rng.integers(count, size=self._settings.batch)
        batch = self._representations[images, rng.integers(views, size=self._settings.batch)]
        logits = self.head(batch)
        labels = self._labels[images]
        kept = similarity_loss(logits, self._standardise(batch))
        return {
            "centre": centre_loss(
                logits, labels, self._centres, self._scale, self._settings.margin
            ),
            "similarity": self._settings.similarity * kept,
        }

    def learning_rate(self, step: int) -> float:
        """A short warm-up, then half a cosine down to nothing."""
        warm_up = max(1, self.steps // 10)
        rise = min(1.0, (step + 1) / warm_up)
        fall = 0.5 * (1 + np.cos(np.pi * step / self.steps))
        return float(self._settings.learning_rate * rise * fall)

    def finished_head(self) -> nn.Sequential:
        return folded(self.head)


class Mhcln(Recipe):
    """The paper's losses on the paper's head, sampled as in the paper's public code.

    A batch is of two classes: anchors and positives of the one, negatives of the other.
    """

    def __init__(self, settings: MhclnSettings, bits: int, data: TrainingSet) -> None:
        self.steps = settings.steps
        self._settings = settings
        self._representations = torch.from_numpy(data.representations)
        self._members = [np.flatnonzero(data.labels == label) for label in range(data.classes)]
        self.head = plain_mlp(data.width, MHCLN_HIDDEN, bits, MHCLN_SLOPE)
        self.optimizer = torch.optim.Adam(
            self.head.parameters(), lr=settings.learning_rate, betas=(0.5, 0.9), fused=True
        )

    def terms(self, rng: np.random.Generator) -> dict[str, Tensor]:
        same, other = rng.permutation(len(self._members))[:2]
        near, far = rng.permutation(self._members[same]), rng.permutation(self._members[other])
        size = min(self._settings.batch // 3, len(near) // 2, len(far))
        chosen = np.concatenate([near[: 2 * size], far[:size]])
        views = rng.integers(self._representations.shape[1], size=len(chosen))
        activations = torch.sigmoid(self.head(self._representations[chosen, views]))
        anchors, positives, negatives = torch.split(activations, size)
        return {
            "triplet": triplet_loss(anchors, positives, negatives, self._settings.margin),
            "push": self._settings.push * push_loss(activations),
            "balance": self._settings.balance * balance_loss(activations),
        }

    def learning_rate(self, step: int) -> float:
        del step  # the paper's is constant
        return self._settings.learning_rate

    def finished_head(self) -> nn.Sequential:
        return self.head.eval()


def make_recipe(config: Config, data: TrainingSet) -> Recipe:
    """The recipe that a configuration names, with a fresh head of K = config.bits logits."""
    torch.manual_seed(config.seed)
    if isinstance(config.settings, MhclnSettings):
        return Mhcln(config.settings, config.bits, data)
    return Centres(config.settings, config.bits, config.seed, data)


def build_head(config: Config, width: int) -> nn.Sequential:
    """A head of the shape that the recipe finishes with, for stored weights to be loaded into."""
    if isinstance(config.settings, MhclnSettings):
        return plain_mlp(width, MHCLN_HIDDEN, config.bits, MHCLN_SLOPE)
    return plain_mlp(width, (config.settings.hidden,), config.bits)

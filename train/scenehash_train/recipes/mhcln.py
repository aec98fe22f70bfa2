"""The paper's recipe, with the option to mine harder triplets."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import MhclnSettings
from ..head import Branches, plain_mlp
from ..losses.balance import balance_loss, bit_balance_loss
from ..losses.push import push_loss
from ..losses.triplet import triplet_loss
from .base import Recipe, TrainingSet
from .mining import make_miner

HIDDEN = (1024, 512)
SLOPE = 0.2


class Mhcln(Recipe):
    """The paper's losses on the paper's head.

    With mining "published", a batch has two classes, as in the paper's public code: anchors and
    positives of one, negatives of the other. With "all", "semihard" or "distance", a batch has all
    classes, and triplets are mined from it.
    """

    def __init__(self, settings: MhclnSettings, bits: int, data: TrainingSet) -> None:
        self.steps = settings.steps
        self._settings = settings
        self._data = data
        self._members = [np.flatnonzero(data.labels == label) for label in range(data.classes)]
        self._miner = make_miner(settings.mining, settings.margin)
        self._balance: Callable[[Tensor], Tensor] = (
            balance_loss if settings.balance_over == "code" else bit_balance_loss
        )
        self.head = Branches(plain_mlp(data.width, HIDDEN, bits, SLOPE))
        self.learned: nn.Module = self.head
        self.optimizer = torch.optim.Adam(
            self.head.parameters(), lr=settings.learning_rate, betas=(0.5, 0.9), fused=True
        )

    def terms(self, rng: np.random.Generator) -> dict[str, Tensor]:
        activations, triplets = self._two_classes(rng) if self._miner is None else self._mined(rng)
        anchors, positives, negatives = triplets
        return {
            "triplet": triplet_loss(anchors, positives, negatives, self._settings.margin),
            "push": self._settings.push * push_loss(activations),
            "balance": self._settings.balance * self._balance(activations),
        }

    def learning_rate(self, step: int) -> float:
        del step  # the paper's is constant
        return self._settings.learning_rate

    def _two_classes(self, rng: np.random.Generator) -> tuple[Tensor, tuple[Tensor, ...]]:
        same, other = rng.permutation(len(self._members))[:2]
        first, second = rng.permutation(self._members[same]), rng.permutation(self._members[other])
        size = min(self._settings.batch // 3, len(first) // 2, len(second))
        activations = self._activations(np.concatenate([first[: 2 * size], second[:size]]), rng)
        return activations, torch.split(activations, size)

    def _mined(self, rng: np.random.Generator) -> tuple[Tensor, tuple[Tensor, ...]]:
        assert self._miner is not None
        each = max(2, self._settings.batch // len(self._members))
        chosen = np.concatenate([rng.choice(members, each) for members in self._members])
        activations = self._activations(chosen, rng)
        labels = torch.from_numpy(self._data.labels[chosen])
        with torch.no_grad():
            indices = self._miner(functional.normalize(activations), labels)
        return activations, tuple(activations[index] for index in indices)

    def _activations(self, images: npt.NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        views = rng.integers(self._data.vectors.shape[1], size=len(images))
        return torch.sigmoid(self.head(self._data.batch(images, views)))

"""What every recipe has, and what it learns from."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..data import Labels, memberships
from ..head import Branches


@dataclass(frozen=True)
class TrainingSet:
    """Vectors float16 or float32 [N, V, P] of N images in V views, and their classes int64 [N], or
    memberships bool [N, C] where some images have several.
    """

    vectors: npt.NDArray[np.floating]
    labels: Labels

    @property
    def width(self) -> int:
        """Dimensions P of a vector."""
        return int(self.vectors.shape[2])

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(memberships(self.labels).shape[1])

    def batch(self, images: npt.NDArray[np.int64], views: npt.NDArray[np.int64]) -> Tensor:
        """The vectors float32 [B, P] of B images, each in its view: what a head learns from."""
        return self.kept(images, views)

    def kept(self, images: npt.NDArray[np.int64], views: npt.NDArray[np.int64]) -> Tensor:
        """The vectors float32 [B, P] whose similarities are to be kept: the frozen backbone's."""
        return torch.from_numpy(self.vectors[images, views].astype(np.float32))


class Recipe(ABC):
    """A head in training. terms gives the parts of the loss, whose sum is minimised.

    learned is all that has weights: the head, and what a loss may have beside it.
    """

    steps: int
    head: Branches
    learned: nn.Module
    optimizer: torch.optim.Optimizer

    def learn_too(self, weights: list[nn.Parameter], share: float) -> None:
        """Train weights from elsewhere as well, at a share of the head's learning rate."""
        self.learned = nn.ModuleDict({"recipe": self.learned, "more": nn.ParameterList(weights)})
        self.optimizer.add_param_group({"params": weights, "share": share})

    @abstractmethod
    def terms(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The terms of the loss on a batch that rng draws."""

    @abstractmethod
    def learning_rate(self, step: int) -> float:
        """The learning rate of a step, 0 to steps - 1."""

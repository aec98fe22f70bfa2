"""The interface of a recipe, and its training data."""

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
    """Vectors of N images in V views, float16 or float32 [N, V, P], and the labels of the images.

    labels: classes int64 [N], or memberships bool [N, C] where some images have several.
    """

    vectors: npt.NDArray[np.floating]
    labels: Labels

    @property
    def width(self) -> int:
        """Number of dimensions P of a vector."""
        return int(self.vectors.shape[2])

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(memberships(self.labels).shape[1])

    def batch(self, images: npt.NDArray[np.int64], views: npt.NDArray[np.int64]) -> Tensor:
        """The head's input float32 [B, P] for B images, each in one view."""
        return self.frozen(images, views)

    def frozen(self, images: npt.NDArray[np.int64], views: npt.NDArray[np.int64]) -> Tensor:
        """The frozen backbone's vectors float32 [B, P], whose similarities are to be preserved."""
        return torch.from_numpy(self.vectors[images, views].astype(np.float32))


class Recipe(ABC):
    """A head in training; the sum of terms() is minimised.

    learned: all modules with weights, the head and those that belong to a loss.
    """

    steps: int
    head: Branches
    learned: nn.Module
    optimizer: torch.optim.Optimizer

    def learn_too(self, weights: list[nn.Parameter], share: float) -> None:
        """Train further weights as well, at a share of the head's learning rate."""
        self.learned = nn.ModuleDict({"recipe": self.learned, "more": nn.ParameterList(weights)})
        self.optimizer.add_param_group({"params": weights, "share": share})

    @abstractmethod
    def terms(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The terms of the loss on a batch that rng draws."""

    @abstractmethod
    def learning_rate(self, step: int) -> float:
        """The learning rate of a step, 0 to steps - 1."""

"""Phase three, an option: the backbone's last blocks learn too.

The recipe goes on from where phase two ended, on vectors that are computed anew at each step, so
that its loss reaches the blocks. All before them stays as it was, and so do the statistics of
their batch norms: small batches do no harm, and the exported graph folds as ever. Similarities
that are to be kept are those of the frozen backbone, or they would follow what moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from scenehash.scenes.decoding import read_image
from scenehash.tiles import Image, to_tile

from .augmentation import view_of
from .backbones import Backbone
from .config import Config, FinetuneSettings
from .data import LabelledImage
from .device import training_device
from .fit import History, fit
from .head import Branches, Projection
from .recipes import Recipe, TrainingSet, make_recipe
from .tuning_network import TuningNetwork

# A step takes seconds: an interruption may cost half a minute, not ten.
CHECKPOINT_EVERY = 10


@dataclass(frozen=True)
class PhaseTwo:
    """What phase two ends with, where phase three goes on.

    data has the vectors of the frozen backbone, on which the recipe has been trained, of images in
    views.
    """

    backbone: Backbone
    projection: Projection
    recipe: Recipe
    data: TrainingSet
    images: Sequence[LabelledImage]
    views: Sequence[int]


@dataclass(frozen=True)
class MovingSet(TrainingSet):
    """A training set whose vectors come out of a network that learns.

    vectors, the field, stays what the frozen backbone gave.
    """

    images: Sequence[LabelledImage]
    views: Sequence[int]
    tile_size: int
    network: TuningNetwork

    def batch(self, images: npt.NDArray[np.int64], views: npt.NDArray[np.int64]) -> Tensor:
        """The vectors float32 [B, P] of the images as the network sees them now, differentiable."""
        pairs = zip(images, views, strict=True)
        return self.network(np.stack([self._tile(self.images[i], self.views[v]) for i, v in pairs]))

    def _tile(self, image: LabelledImage, view: int) -> Image:
        return view_of(to_tile(read_image(image.path), self.tile_size), view, image.content)


def finetune(
    before: PhaseTwo, config: Config, settings: FinetuneSettings, checkpoint: Path
) -> tuple[Backbone, Branches, History]:
    """The backbone with its last blocks tuned, the finished head on it, and the loss by step.

    Interrupted, it goes on from the checkpoint file. One seed gives the same weights on the same
    device with the same number of threads.
    """
    data, size = before.data, config.tile_size
    network = TuningNetwork(
        before.backbone, before.projection, settings.blocks, size, training_device()
    )
    moving = MovingSet(data.vectors, data.labels, before.images, before.views, size, network)
    recipe = make_recipe(_in_steps_of(settings, config), moving)
    recipe.learned.load_state_dict(before.recipe.learned.state_dict())
    recipe.learn_too(list(network.weights.values()), settings.share)
    threads = torch.get_num_threads()
    history = fit(recipe, config.seed, checkpoint, "finetune", threads, CHECKPOINT_EVERY)

    tuned = {name: weight.detach().cpu() for name, weight in network.weights.items()}
    return before.backbone.with_tuned(tuned), recipe.head.finished(before.projection), history


def _in_steps_of(settings: FinetuneSettings, config: Config) -> Config:
    """The recipe's configuration with the steps, the batch and the learning rate of phase three."""
    values = settings.model_dump(include={"steps", "batch", "learning_rate"})
    return config.model_copy(update={"settings": config.settings.model_copy(update=values)})

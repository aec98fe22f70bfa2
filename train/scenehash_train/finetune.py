"""Phase three, an option: the backbone's last blocks are trained too.

The recipe continues from the end of phase two, on vectors that are computed at each step, so that
the gradient reaches the blocks. The layers before them do not change, nor do the statistics of the
batch norms: small batches do no harm, and the exported graph folds as before. The similarity loss
keeps to the frozen backbone: a target that moved with the blocks would hold nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from scenehash.decode_params import DecodeParams
from scenehash.progress import SILENT, Progress
from scenehash.scenes import read_tile
from scenehash.tiles import Image

from .augmentation import view_of
from .config import Config
from .data import LabelledImage
from .fit import History, fit
from .recipes import Recipe, TrainingSet, make_recipe
from .tuning_network import TuningNetwork

# A step takes seconds: an interruption may cost half a minute, not ten.
CHECKPOINT_EVERY = 10


@dataclass(frozen=True)
class MovingSet(TrainingSet):
    """A training set whose vectors are computed by a network in training.

    The field vectors stays what the frozen backbone gave.
    """

    images: Sequence[LabelledImage]
    views: Sequence[int]
    tile_size: int
    network: TuningNetwork
    params: DecodeParams | None = None

    def batch(self, images: npt.NDArray[np.int64], views: npt.NDArray[np.int64]) -> Tensor:
        """The vectors float32 [B, P] of images by the network as it is now, differentiable."""
        pairs = zip(images, views, strict=True)
        return self.network(np.stack([self._tile(self.images[i], self.views[v]) for i, v in pairs]))

    def _tile(self, image: LabelledImage, view: int) -> Image:
        tile = read_tile(image.path, self.tile_size, self.params)
        return view_of(tile, view, image.content)


def finetune(
    trained: Recipe,
    data: MovingSet,
    config: Config,
    checkpoint: Path,
    progress: Progress = SILENT,
) -> tuple[Recipe, History]:
    """Continue a recipe that phase two has trained, with the blocks of data.network.

    Gives the recipe at its last step and the loss by step; the weights of the blocks are in
    data.network. An interrupted call continues from the checkpoint file. The same seed gives the
    same weights on the same device with the same number of threads.
    """
    assert config.finetune is not None
    values = config.finetune.model_dump(include={"steps", "batch", "learning_rate"})
    settings = config.settings.model_copy(update=values)
    recipe = make_recipe(config.model_copy(update={"settings": settings}), data)
    recipe.learned.load_state_dict(trained.learned.state_dict())
    recipe.learn_too(list(data.network.weights.values()), config.finetune.share)
    threads = torch.get_num_threads()
    history = fit(recipe, config.seed, checkpoint, "finetune", threads, CHECKPOINT_EVERY, progress)
    return recipe, history

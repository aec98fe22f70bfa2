"""Recipes: how a hash head is trained on representations.

    centres   class codes, and the similarities of the representation preserved (the default)
    mhcln     triplets, push, balance (Roy, Sangineto, Demir, Sebe, IGARSS 2018)

A recipe owns its head and its optimizer; fit.py asks it for the terms of the loss at each step.
"""

import numpy as np
import torch

from scenehash.errors import ConfigurationError

from ..config import Config, MhclnSettings
from ..data import Labels
from ..head import Branches, plain_mlp
from .base import Recipe, TrainingSet
from .centres import Centres
from .mhcln import HIDDEN, SLOPE, Mhcln

__all__ = ["Recipe", "TrainingSet", "build_head", "check_labels", "make_recipe"]


def make_recipe(config: Config, data: TrainingSet) -> Recipe:
    """The recipe of a configuration, with a new head of K = config.bits logits."""
    torch.manual_seed(config.seed)
    if isinstance(config.settings, MhclnSettings):
        return Mhcln(config.settings, config.bits, data)
    return Centres(config.settings, config.widths, config.seed, data)


def check_labels(config: Config, labels: Labels) -> None:
    """Raise ConfigurationError when images have several classes and the recipe needs one each."""
    if labels.dtype != np.bool_:
        return
    several = "needs images of one class each, and some here have several"
    if isinstance(config.settings, MhclnSettings):
        raise ConfigurationError(f"the recipe mhcln {several}; give --recipe centres")
    # Nothing would keep the codes of classes apart.
    if config.settings.centres == "learned":
        raise ConfigurationError(f'"centres": "learned" {several}; leave it "fixed"')


def build_head(config: Config, width: int) -> Branches:
    """A finished head for representations [N, width], into which stored weights can be loaded."""
    if isinstance(config.settings, MhclnSettings):
        return Branches(plain_mlp(width, HIDDEN, config.bits, SLOPE))
    deep_bits = min(config.settings.deep_bits, config.bits)
    deep = plain_mlp(width, (config.settings.hidden,), deep_bits)
    if deep_bits == config.bits:
        return Branches(deep)
    return Branches(deep, plain_mlp(width, (), config.bits - deep_bits))

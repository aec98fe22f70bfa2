"""Recipes: how a hash head is trained on representations.

    centres   fixed class codes, and similarities of the representation kept (the default)
    mhcln     the paper's: triplets, push, balance (Roy, Sangineto, Demir, Sebe, IGARSS 2018)

A recipe owns its head and its optimizer; train/fit.py asks it for the terms of the loss, a step at
a time, and never looks inside.
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
    """The recipe that a configuration names, with a fresh head of K = config.bits logits."""
    torch.manual_seed(config.seed)
    if isinstance(config.settings, MhclnSettings):
        return Mhcln(config.settings, config.bits, data)
    return Centres(config.settings, config.widths, config.seed, data)


def check_labels(config: Config, labels: Labels) -> None:
    """Raise ConfigurationError when a recipe cannot learn from images of several classes."""
    if labels.dtype != np.bool_:
        return
    several = "needs images of one class each, and some here have several"
    if isinstance(config.settings, MhclnSettings):
        raise ConfigurationError(f"the recipe mhcln {several}; give --recipe centres")
    # Nothing would hold the codes of classes apart.
    if config.settings.centres == "learned":
        raise ConfigurationError(f'"centres": "learned" {several}; leave it "fixed"')


def build_head(config: Config, width: int) -> Branches:
    """A finished head for representations [N, width], for stored weights to be loaded into."""
    if isinstance(config.settings, MhclnSettings):
        return Branches(plain_mlp(width, HIDDEN, config.bits, SLOPE))
    deep_bits = min(config.settings.deep_bits, config.bits)
    deep = plain_mlp(width, (config.settings.hidden,), deep_bits)
    if deep_bits == config.bits:
        return Branches(deep)
    return Branches(deep, plain_mlp(width, (), config.bits - deep_bits))

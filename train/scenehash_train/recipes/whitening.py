"""Whitening by the differences between views of one image, which say little about the scene."""

import numpy as np
import torch
from torch import Tensor

from .base import TrainingSet

SAMPLE = 1000
# Share of the mean variance that is added in all directions, so that no small one is amplified.
FLOOR = 0.2


def view_whitening(data: TrainingSet, seed: int) -> Tensor:
    """A matrix W float32 [P, P] such that v W varies equally in all directions between views.

        W = (S + 0.2 * trace(S) / P * I)^(-1/2),   S the covariance of v less the mean of its views

    Directions in which views of one image differ, such as brightness, sharpness and colour, then
    count least in a cosine. Estimated from at most 1,000 images; the identity where images have one
    view. Source: within-class covariance normalisation, each image its own class: Hatch, Kajarekar,
    Stolcke, "Within-Class Covariance Normalization for SVM-based Speaker Recognition", Interspeech
    2006.
    """
    images, views, width = data.vectors.shape
    if views == 1:
        return torch.eye(width)
    some = np.random.default_rng(seed).permutation(images)[:SAMPLE]
    vectors = torch.from_numpy(data.vectors[some].astype(np.float32))
    deviations = (vectors - vectors.mean(dim=1, keepdim=True)).reshape(-1, width)
    covariance = deviations.T @ deviations / (len(some) * (views - 1))
    floor = FLOOR * covariance.diagonal().mean() * torch.eye(width)
    values, directions = torch.linalg.eigh(covariance + floor)
    whitening: Tensor = directions * values.clamp_min(1e-6).rsqrt() @ directions.T
    return whitening

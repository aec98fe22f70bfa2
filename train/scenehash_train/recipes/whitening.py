"""What the views of one image differ in says little of what a scene is."""

import numpy as np
import torch
from torch import Tensor

from .base import TrainingSet

SAMPLE = 1000
# Of the mean variance, added in all directions, so that none is blown up for hardly varying.
FLOOR = 0.2


def view_whitening(data: TrainingSet, seed: int) -> Tensor:
    """A matrix W float32 [P, P]: vectors v W vary alike in all directions from view to view.

        W = (S + 0.2 * trace(S) / P * I)^(-1/2),   S the covariance of v less the mean of its views

    So cosines count least in the directions in which an image is not even like itself: brightness,
    sharpness, colour. Estimated from at most 1,000 images; the identity where an image has one view
    only. Source: within-class covariance normalisation, each image its own class: Hatch, Kajarekar,
    Stolcke, "Within-Class Covariance Normalization for SVM-based Speaker Recognition", Interspeech
    2006.
    """
    images, views, width = data.vectors.shape
    if views == 1:
        return torch.eye(width)
    some = np.random.default_rng(seed).permutation(images)[:SAMPLE]
    vectors = torch.from_numpy(data.vectors[some].astype(np.float32))
    apart = (vectors - vectors.mean(dim=1, keepdim=True)).reshape(-1, width)
    spread = apart.T @ apart / (len(some) * (views - 1))
    floor = FLOOR * spread.diagonal().mean() * torch.eye(width)
    values, directions = torch.linalg.eigh(spread + floor)
    whitening: Tensor = directions * values.clamp_min(1e-6).rsqrt() @ directions.T
    return whitening

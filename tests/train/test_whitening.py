"""Whitening by what varies between the views of one image."""

import numpy as np
import torch
from torch.nn import functional

from scenehash_train.recipes import TrainingSet
from scenehash_train.recipes.whitening import FLOOR, view_whitening


def varying(images: int, views: int, width: int, nuisance: float) -> TrainingSet:
    """Images apart in all dimensions, whose views differ in the first one above all."""
    rng = np.random.default_rng(0)
    scenes = rng.normal(size=(images, 1, width))
    differ = rng.normal(size=(images, views, width)) * 0.3
    differ[:, :, 0] *= nuisance
    return TrainingSet((scenes + differ).astype(np.float32), np.zeros(images, np.int64))


def test_views_differ_alike_in_all_directions_afterwards() -> None:
    data = varying(400, 8, 6, nuisance=20)
    whitening = view_whitening(data, seed=0)
    apart = data.vectors - data.vectors.mean(axis=1, keepdims=True)
    spread = (torch.from_numpy(apart).reshape(-1, 6) @ whitening).var(0) * 8 / 7
    floor = FLOOR * (apart.reshape(-1, 6).var(0) * 8 / 7).mean()
    wanted = 1 / (1 + floor / torch.tensor([36.0, *[0.09] * 5]))
    assert torch.allclose(spread, wanted.float(), rtol=0.1)


def test_an_image_is_more_like_itself_in_another_view_than_before() -> None:
    data = varying(400, 8, 6, nuisance=20)
    one, other = (torch.from_numpy(data.vectors[:, view]) for view in (0, 1))
    before = functional.cosine_similarity(one, other).mean()
    whitening = view_whitening(data, seed=0)
    assert functional.cosine_similarity(one @ whitening, other @ whitening).mean() > before + 0.3


def test_one_view_leaves_vectors_as_they_are() -> None:
    assert torch.equal(view_whitening(varying(10, 1, 4, 1.0), seed=0), torch.eye(4))


def test_views_that_do_not_differ_leave_cosines_as_they_are() -> None:
    data = varying(10, 1, 4, 1.0)
    same = TrainingSet(np.repeat(data.vectors, 3, axis=1), data.labels)
    whitening = view_whitening(same, seed=0)
    assert torch.allclose(whitening / whitening[0, 0], torch.eye(4), atol=1e-5)

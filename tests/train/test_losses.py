"""Each loss against its formula, written out as loops."""

import math

import numpy as np
import pytest
import torch

from train.losses.balance import balance_loss
from train.losses.centre import centre_loss, default_scale, draw_centres
from train.losses.push import push_loss
from train.losses.similarity import similarity_loss
from train.losses.triplet import triplet_loss


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))


def normal(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(sum(shape)).normal(size=shape))


def test_centre_loss() -> None:
    logits, centres = normal(5, 8), torch.from_numpy(draw_centres(3, 8, 0)).double()
    labels = torch.tensor([0, 2, 1, 1, 0])
    expected = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        scores = [
            6.0 * (cosine(row, centre) - (0.2 if number == label else 0.0))
            for number, centre in enumerate(centres.tolist())
        ]
        expected -= scores[label] - math.log(sum(math.exp(score) for score in scores))
    assert float(centre_loss(logits, labels, centres, 6.0, 0.2)) == pytest.approx(expected / 5)


def test_similarity_loss() -> None:
    logits, representations = normal(4, 6), normal(4, 9)
    codes = torch.tanh(logits).tolist()
    wanted = representations.tolist()
    differences = [
        (cosine(codes[i], codes[j]) - cosine(wanted[i], wanted[j])) ** 2
        for i in range(4)
        for j in range(4)
        if i != j
    ]
    expected = sum(differences) / len(differences)
    assert float(similarity_loss(logits, representations)) == pytest.approx(expected)


def test_triplet_loss() -> None:
    anchors, positives, negatives = normal(7, 4), normal(7, 4) + 0.1, normal(7, 4).flip(0)
    expected = 0.0
    for triple in zip(anchors.tolist(), positives.tolist(), negatives.tolist(), strict=True):
        # Between unit vectors the squared distance is 2 - 2 cos.
        near = 2 - 2 * cosine(triple[0], triple[1])
        far = 2 - 2 * cosine(triple[0], triple[2])
        expected += max(0.0, near - far + 0.2)
    result = triplet_loss(anchors, positives, negatives, 0.2)
    assert float(result) == pytest.approx(expected / 7)


def test_push_and_balance_loss() -> None:
    activations = torch.sigmoid(normal(5, 16))
    push = balance = 0.0
    for row in activations.tolist():
        push -= sum((value - 0.5) ** 2 for value in row) / 16
        balance += (sum(row) / 16 - 0.5) ** 2
    assert float(push_loss(activations)) == pytest.approx(push / 5)
    assert float(balance_loss(activations)) == pytest.approx(balance / 5)


@pytest.mark.parametrize(("classes", "bits", "nearest"), [(21, 64, 24), (21, 32, 8), (100, 16, 1)])
def test_centres_are_far_apart(classes: int, bits: int, nearest: int) -> None:
    centres = draw_centres(classes, bits, 0)
    assert set(np.unique(centres)) == {-1, 1}
    distances = (bits - centres @ centres.T) / 2 + bits * np.eye(classes)
    assert distances.min() >= nearest
    assert np.array_equal(centres, draw_centres(classes, bits, 0))
    assert default_scale(classes) > 1

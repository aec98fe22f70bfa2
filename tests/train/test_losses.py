"""Each loss against its formula, written out as loops."""

import math

import numpy as np
import pytest
import torch

from scenehash_train.losses.balance import balance_loss, bit_balance_loss
from scenehash_train.losses.centre import centre_loss, default_scale
from scenehash_train.losses.decorrelation import decorrelation_loss
from scenehash_train.losses.instance import instance_loss
from scenehash_train.losses.push import push_loss
from scenehash_train.losses.similarity import similarity_loss
from scenehash_train.losses.triplet import triplet_loss
from scenehash_train.recipes.class_codes import draw_class_codes


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))


def normal(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(sum(shape)).normal(size=shape))


def test_centre_loss() -> None:
    logits, centres = normal(5, 8), torch.from_numpy(draw_class_codes(3, [8], 0)).double()
    labels = torch.tensor([0, 2, 1, 1, 0])
    expected = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        scores = [
            6.0 * (cosine(row, centre) - (0.2 if number == label else 0.0))
            for number, centre in enumerate(centres.tolist())
        ]
        expected -= scores[label] - math.log(sum(math.exp(score) for score in scores))
    assert float(centre_loss(logits, labels, centres, 6.0, 0.2)) == pytest.approx(expected / 5)


def test_centre_loss_of_several_classes() -> None:
    logits, centres = normal(4, 8), torch.from_numpy(draw_class_codes(3, [8], 0)).double()
    classes = [{0}, {0, 2}, {1}, {0, 1, 2}]
    members = torch.tensor([[label in of_one for label in range(3)] for of_one in classes])
    expected = 0.0
    for row, of_one in zip(logits.tolist(), classes, strict=True):
        codes = [centres[label].tolist() for label in of_one]
        expected += 4 * 6.0 * (1 - cosine(row, [sum(bits) for bits in zip(*codes, strict=True)]))
    loss = centre_loss(logits, members, centres, 6.0, 0.2)
    assert float(loss) == pytest.approx(expected / 4)


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
    columns = activations.T.tolist()
    over_bits = sum((sum(column) / 5 - 0.5) ** 2 for column in columns) / 16
    assert float(bit_balance_loss(activations)) == pytest.approx(over_bits)
    assert float(push_loss(activations)) == pytest.approx(push / 5)
    assert float(balance_loss(activations)) == pytest.approx(balance / 5)


def test_decorrelation_loss() -> None:
    logits = normal(9, 5)
    columns = torch.tanh(logits).T.tolist()

    def correlation(a: list[float], b: list[float]) -> float:
        a = [x - sum(a) / 9 for x in a]
        b = [y - sum(b) / 9 for y in b]
        return cosine(a, b)

    pairs = [(j, k) for j in range(5) for k in range(5) if j != k]
    expected = sum(correlation(columns[j], columns[k]) ** 2 for j, k in pairs) / len(pairs)
    assert float(decorrelation_loss(logits)) == pytest.approx(expected, rel=1e-4)


def test_instance_loss() -> None:
    first, second = torch.tanh(normal(5, 6)).tolist(), torch.tanh(normal(6, 5).T).tolist()
    images = [4, 7, 4, 1, 2]  # the first and the third row are of one image

    def one_way(a: list[list[float]], b: list[list[float]]) -> float:
        total = 0.0
        for i in range(5):
            others = [j for j in range(5) if j == i or images[j] != images[i]]
            scores = {j: cosine(a[i], b[j]) / 0.2 for j in others}
            total -= scores[i] - math.log(sum(math.exp(score) for score in scores.values()))
        return total / 5

    expected = (one_way(first, second) + one_way(second, first)) / 2
    result = instance_loss(normal(5, 6), normal(6, 5).T, torch.tensor(images), 0.2)
    assert float(result) == pytest.approx(expected)


@pytest.mark.parametrize(("classes", "bits", "nearest"), [(21, 64, 24), (21, 32, 8), (100, 16, 1)])
def test_class_codes_are_far_apart(classes: int, bits: int, nearest: int) -> None:
    codes = draw_class_codes(classes, [bits], 0)
    assert set(np.unique(codes)) == {-1, 1}
    distances = (bits - codes @ codes.T) / 2 + bits * np.eye(classes)
    assert distances.min() >= nearest
    assert np.array_equal(codes, draw_class_codes(classes, [bits], 0))
    assert default_scale(classes) > 1


def test_class_codes_are_far_apart_in_their_first_bits_too() -> None:
    codes = draw_class_codes(21, (16, 24, 32, 48, 64), 0)
    assert codes.shape == (21, 64)
    for width, nearest in ((16, 4), (24, 7), (32, 10), (48, 18), (64, 24)):
        part = codes[:, :width]
        assert ((width - part @ part.T) / 2 + width * np.eye(21)).min() >= nearest

"""Baselines against their definitions, and on data where it is known what they must do."""

import numpy as np
import pytest

from benchmarks.baselines import BASELINES
from scenehash_train.metrics import cosine_quality, retrieval_quality

BITS = 16


def blobs(classes: int = 6, count: int = 40, width: int = 48) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), count)
    middles = rng.normal(size=(classes, width))
    vectors = middles[labels] + rng.normal(size=(len(labels), width))
    return vectors.astype(np.float32), labels


def quality(name: str, seed: int = 0) -> float:
    vectors, labels = blobs()
    hasher = BASELINES[name](vectors[::2], labels[::2], BITS, seed)
    codes = np.packbits(hasher(vectors[1::2]) > 0, axis=1)
    return retrieval_quality(codes, labels[1::2], 0, k=10).map_at_20


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BASELINES))
def test_a_baseline_gives_logits_that_follow_its_seed(name: str) -> None:
    vectors, labels = blobs()
    first = BASELINES[name](vectors, labels, BITS, 3)(vectors[:5])
    assert first.shape == (5, BITS)
    assert first.dtype == np.float32
    assert np.array_equal(first, BASELINES[name](vectors, labels, BITS, 3)(vectors[:5]))


def test_baselines_rank_as_their_papers_say() -> None:
    vectors, labels = blobs()
    ceiling = cosine_quality(vectors[1::2], labels[1::2], k=10).map_at_20
    assert quality("lsh") < quality("itq") < ceiling
    assert quality("ksh") > quality("itq")


def test_itq_rotates_components_to_signs_that_lose_less() -> None:
    vectors, labels = blobs()

    def loss(name: str) -> float:
        logits = BASELINES[name](vectors, labels, BITS, 0)(vectors)
        return float(np.square(np.sign(logits) - logits).sum())

    assert loss("itq") < loss("pca")
    plain = BASELINES["pca"](vectors, labels, BITS, 0)(vectors)
    rotated = BASELINES["itq"](vectors, labels, BITS, 0)(vectors)
    # A rotation keeps lengths.
    assert np.allclose(np.linalg.norm(plain, axis=1), np.linalg.norm(rotated, axis=1), rtol=1e-3)


def test_pca_takes_the_directions_of_most_variance() -> None:
    rng = np.random.default_rng(1)
    vectors = (rng.normal(size=(300, 20)) * np.linspace(5, 1, 20)).astype(np.float32)
    logits = BASELINES["pca"](vectors, np.zeros(300, np.int64), 16, 0)(vectors)
    expected = np.linalg.svd(vectors - vectors.mean(0), compute_uv=False)[:16]
    assert np.allclose(np.linalg.norm(logits, axis=0), expected, rtol=1e-3)


def test_lsh_planes_go_through_the_mean() -> None:
    vectors, labels = blobs()
    hasher = BASELINES["lsh"](vectors, labels, BITS, 0)
    assert np.allclose(hasher(vectors.mean(0, keepdims=True)), 0, atol=1e-4)


@pytest.mark.slow
def test_ksh_draws_together_images_that_share_a_class() -> None:
    vectors, labels = blobs(classes=4)
    members = np.zeros((len(labels), 6), bool)
    members[np.arange(len(labels)), labels] = True
    # Kinds 0 and 1 have class 4 in common, kinds 2 and 3 class 5.
    members[np.arange(len(labels)), 4 + labels // 2] = True
    codes = BASELINES["ksh"](vectors, members, BITS, 0)(vectors) > 0
    middles = np.stack([codes[labels == kind].mean(axis=0) for kind in range(4)])
    apart = np.abs(middles[:, None] - middles[None]).sum(axis=2)
    assert max(apart[0, 1], apart[2, 3]) < apart[:2, 2:].min() / 3
    alone = BASELINES["ksh"](vectors, labels, BITS, 0)(vectors) > 0
    middles = np.stack([alone[labels == kind].mean(axis=0) for kind in range(4)])
    assert np.abs(middles[0] - middles[1]).sum() > 3 * apart[0, 1]

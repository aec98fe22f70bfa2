"""Codes fitted on representations: what tells kinds apart, in whole numbers, by nested widths."""

import numpy as np

from scenehash.adaptation.fitting import fit
from scenehash.codes import hamming
from scenehash.model.linear_code import LARGEST_EXACT, LinearCode

KINDS, DIMS = 12, 48


def kinds_in_noise(rng, tiles=900, loud=8):
    """Vectors int8 of kinds that differ a little in all directions, and vary a lot in a few."""
    labels = rng.integers(KINDS, size=tiles)
    middles = np.random.default_rng(1).standard_normal((KINDS, DIMS)) * 9
    values = middles[labels] + rng.standard_normal((tiles, DIMS)) * 4
    values[:, :loud] += rng.standard_normal((tiles, loud)) * 16
    return np.clip(np.rint(values), -127, 127).astype(np.int8), labels


def precision(codes, labels, hits=10):
    """The share of the nearest others that are of the same kind."""
    right = []
    for number, code in enumerate(codes):
        distances = hamming(codes, code)
        distances[number] = 10_000
        right.append(labels[np.argsort(distances, kind="stable")[:hits]] == labels[number])
    return float(np.mean(right))


def signs_of_components(fitted_on, vectors, bits):
    """What ITQ would rotate: signs of principal components, rotated at random."""
    mean = fitted_on.mean(axis=0, dtype=np.float64)
    _, _, axes = np.linalg.svd(fitted_on - mean, full_matrices=False)
    rotation, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((bits, bits)))
    return np.packbits((vectors - mean) @ axes[:bits].T @ rotation > 0, axis=1)


def test_directions_that_vary_within_kinds_count_little():
    rng = np.random.default_rng(0)
    vectors, _ = kinds_in_noise(rng)
    others, labels = kinds_in_noise(rng, 400)
    code = fit(vectors, [32])
    before = precision(signs_of_components(vectors, others, 32), labels)
    assert precision(code.codes(others), labels) > before + 0.1


def test_labels_bring_together_what_representations_do_not():
    rng = np.random.default_rng(0)
    vectors, labels = kinds_in_noise(rng)
    pairs = labels // 2  # two kinds are one to this user
    others, truth = kinds_in_noise(rng, 400)
    known = np.where(np.arange(len(pairs)) % 4 == 0, pairs, -1)
    alone = precision(fit(vectors, [32]).codes(others), truth // 2, 60)
    taught = precision(fit(vectors, [32], known).codes(others), truth // 2, 60)
    assert taught > alone + 0.02


def test_leading_bits_are_codes_of_their_own():
    rng = np.random.default_rng(0)
    vectors, _ = kinds_in_noise(rng)
    others, labels = kinds_in_noise(rng, 400)
    code = fit(vectors, [32, 64, 128])
    assert code.bits == 128
    codes = code.codes(others)
    alone = precision(fit(vectors, [32]).codes(others), labels)
    assert abs(precision(codes[:, :4], labels) - alone) < 0.02
    assert precision(codes, labels) >= alone


def test_more_bits_than_directions():
    vectors, _ = kinds_in_noise(np.random.default_rng(0))
    code = fit(vectors, [64, 128, 256])
    assert code.matrix.shape == (DIMS, 256)
    # Further rotations, not the same bits again.
    assert len({column.tobytes() for column in code.matrix.T}) == 256


def test_the_same_seed_gives_the_same_code():
    vectors, _ = kinds_in_noise(np.random.default_rng(0))
    one, two = (fit(vectors, [32], seed=3) for _ in range(2))
    assert np.array_equal(one.matrix, two.matrix)


def test_sums_are_exact_in_any_order():
    vectors, _ = kinds_in_noise(np.random.default_rng(0))
    code = fit(vectors, [64])
    assert code.is_exact
    extreme = np.where(code.matrix[:, 0] > 0, 127, -127).astype(np.int8)[None]
    order = np.random.default_rng(1).permutation(DIMS)
    turned = LinearCode(code.matrix[order], code.threshold)
    assert np.array_equal(code.logits(extreme), turned.logits(extreme[:, order]))
    exact = extreme.astype(np.int64) @ code.matrix.astype(np.int64) - code.threshold.astype(int)
    assert np.array_equal(code.logits(extreme), exact)
    assert np.abs(exact).max() < LARGEST_EXACT


def test_tiles_that_are_all_the_same():
    code = fit(np.full((300, DIMS), 5, np.int8), [64, 128])
    assert code.is_exact
    assert code.codes(np.full((1, DIMS), 5, np.int8)).shape == (1, 16)

"""Adapted codes are judged without labels."""

import numpy as np

from scenehash.adaptation.judging import (
    Judgement,
    Measure,
    agreement,
    changed_versions,
    judge,
    mutual_neighbours,
    spread,
    steadiness,
)


def clusters(rng, flips, tiles=200, kinds=10, bits=64):
    """Codes of kinds, each bit flipped with a probability; and the kinds."""
    own = rng.integers(kinds, size=tiles)
    middles = np.random.default_rng(5).random((kinds, bits)) < 0.5
    return np.packbits(middles[own] ^ (rng.random((tiles, bits)) < flips), axis=1), own


def test_spread_is_the_mean_distance_of_leading_bits():
    codes = np.zeros((6, 8), np.uint8)
    codes[:, 5] = range(6)  # past the leading 24 bits
    assert spread(codes) == 0
    codes[:3, :3] = 255
    assert spread(codes) == 0.5
    rng = np.random.default_rng(0)
    assert spread(clusters(rng, 0.02, kinds=1)[0]) < 0.1 < 0.3 < spread(clusters(rng, 0.02)[0])


def test_tiles_of_one_kind_are_told_from_kinds_that_the_model_knows():
    rng = np.random.default_rng(0)
    vectors = rng.integers(-50, 50, (200, 16), np.int8)
    judged = [
        judge(vectors, codes, codes) for codes in (clusters(rng, 0.001, kinds=n)[0] for n in (1, 5))
    ]
    assert [judgement.is_known for judgement in judged] == [True, True]
    assert [judgement.is_one_kind for judgement in judged] == [True, False]


def test_agreement_counts_pairs_that_are_near_by_both():
    vectors = np.repeat(np.eye(4, 8, dtype=np.int8) * 100, 11, axis=0)
    vectors += np.random.default_rng(0).integers(-2, 3, vectors.shape, np.int8)
    pairs = mutual_neighbours(vectors)
    codes = np.packbits(np.repeat(np.eye(4, 16) > 0, 11, axis=0), axis=1)
    assert agreement(codes, pairs) == 1
    shuffled = np.random.default_rng(1).permutation(codes)
    assert agreement(shuffled, pairs) < 0.6


def test_steadiness_is_the_mean_of_one_by_rank():
    codes = np.array([[0], [255], [15]], np.uint8)
    assert steadiness(codes[:2], codes, np.array([0, 1])) == 1
    # The second is found behind one other; the first shares its rank with one other.
    assert steadiness(np.array([[240]], np.uint8), codes, np.array([2])) == 1 / 3
    assert (
        steadiness(np.array([[0]], np.uint8), np.array([[0], [0]], np.uint8), np.array([0]))
        == 1 / 1.5
    )


def test_the_verdict():
    better, same = Measure(0.5, 0.6), Measure(0.5, 0.5)
    assert Judgement(100, 0.4, 0.5, better, None).is_better
    assert Judgement(100, 0.4, 0.5, better, Measure(0.9, 0.88)).is_better
    assert not Judgement(100, 0.4, 0.5, same, None).is_better
    assert not Judgement(100, 0.4, 0.5, better, Measure(0.9, 0.8)).is_better
    assert Judgement(100, 0.4, 0.5, Measure(0.4, 0.5), None).gain == 0.25
    known = Judgement(100, 0.9, 0.5, better, None)
    assert (known.is_known, known.is_better, known.gain) == (True, False, 0.0)


def test_the_same_codes_gain_nothing():
    rng = np.random.default_rng(0)
    codes, _ = clusters(rng, 0.1)
    vectors = rng.integers(-50, 50, (len(codes), 16), np.int8)
    judgement = judge(vectors, codes, codes)
    assert judgement.gain == 0
    assert not judgement.is_better


def test_versions_of_a_tile_are_turned_darkened_and_cropped():
    tile = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    turned, darker, cropped = changed_versions(tile)
    assert np.array_equal(np.rot90(turned, -1), tile)
    assert abs(float(darker.mean()) / float(tile.mean()) - 0.7) < 0.01
    assert cropped.shape == tile.shape
    assert not np.array_equal(cropped, tile)

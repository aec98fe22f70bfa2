"""Whether a model knows the kinds that tiles show is told by their codes."""

import numpy as np

from scenehash.retrieval.familiarity import familiarity


def test_familiarity_is_the_share_of_tiles_that_share_their_leading_bits() -> None:
    codes = np.zeros((6, 8), np.uint8)
    codes[:, 5] = range(6)  # past the leading 24 bits
    assert familiarity(codes) == 1
    codes[0, 0], codes[1, 2] = 1, 1
    assert familiarity(codes) == 4 / 6
    assert familiarity(np.arange(6, dtype=np.uint8).reshape(6, 1)) == 0
    rng = np.random.default_rng(0)
    values = [familiarity(clusters(rng, flips)) for flips in (0.002, 0.05, 0.3)]
    assert values == sorted(values, reverse=True)


def clusters(rng: np.random.Generator, flips: float) -> np.ndarray:
    """200 codes of 64 bits of ten kinds, each bit flipped with a probability."""
    kinds = rng.random((10, 64)) < 0.5
    own = rng.integers(10, size=200)
    return np.packbits(kinds[own] ^ (rng.random((200, 64)) < flips), axis=1)

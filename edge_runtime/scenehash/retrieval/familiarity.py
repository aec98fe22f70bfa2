"""Does a model know the kinds of scene that tiles show? Answered by their codes, without labels.

A model gives one code word to a kind that it was trained on, and many to any other: where most
tiles share their leading bits with another, it knows them.
"""

import numpy as np

from scenehash.codes import Codes

# Leading bits that are a word: those that training gives to kinds.
WORD_BITS = 24
# The familiarity from which on a model is taken to know an archive. On twenty archives and parts of
# archives it was 0.83 or more where it did, and 0.44 or less where not: docs/adaptation.md.
KNOWN_SHARE = 0.65


def familiarity(codes: Codes) -> float:
    """The share of codes uint8 [N, K/8], N at least 1, whose leading bits are those of another."""
    leading = codes[:, : WORD_BITS // 8].astype(np.int64)
    words = leading @ (1 << (8 * np.arange(leading.shape[1], dtype=np.int64)))
    _, place, counts = np.unique(words, return_inverse=True, return_counts=True)
    return float((counts[place.reshape(-1)] > 1).mean())

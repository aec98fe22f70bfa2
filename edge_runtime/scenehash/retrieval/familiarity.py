"""Whether a model knows the kinds of scene in tiles, from their codes, without labels.

A model gives one code word to a kind that it was trained on, and many words to other kinds. If most
tiles share their leading bits with another tile, the model knows their kinds.
"""

import numpy as np

from scenehash.codes import Codes

# The leading bits that form a code word of a kind.
WORD_BITS = 24
# The minimum familiarity of an archive that a model knows. On twenty archives and parts of
# archives it was 0.83 or more where it did, and 0.44 or less where not: docs/adaptation.md.
KNOWN_SHARE = 0.65


def familiarity(codes: Codes) -> float:
    """The share of codes uint8 [N, K/8], N at least 1, with the leading bits of another code."""
    leading = codes[:, : WORD_BITS // 8].astype(np.int64)
    words = leading @ (1 << (8 * np.arange(leading.shape[1], dtype=np.int64)))
    _, place, counts = np.unique(words, return_inverse=True, return_counts=True)
    return float((counts[place.reshape(-1)] > 1).mean())

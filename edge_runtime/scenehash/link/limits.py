"""Sizes that both ends of a link agree on: what is larger is refused before it is used."""

# A digest of a scene, of a node of the digest tree, or of an annotation.
DIGEST_BYTES = 8
# Larger row numbers are refused: 10^12 tiles.
MOST_ROWS = 1 << 40
# A path, or how a scene was read.
MOST_TEXT = 1 << 16
# The largest coordinate or side of a window.
MOST_PIXELS = (1 << 31) - 1

"""Size limits of both ends of a link: larger items are refused before use."""

# A digest of a scene, of a node of the digest tree, or of an annotation.
DIGEST_BYTES = 8
# Larger row numbers are refused: 10^12 tiles.
MOST_ROWS = 1 << 40
# A path, or the decode parameters of a scene.
MOST_TEXT = 1 << 16
# The largest coordinate or side of a window.
MOST_PIXELS = (1 << 31) - 1

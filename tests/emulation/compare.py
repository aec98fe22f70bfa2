"""Count the bits in which two machines' codes differ; exit status 1 when too many do.

python tests/emulation/compare.py HERE.npz THERE.npz ALLOWED_BITS
"""

import sys

import numpy as np

here, there = np.load(sys.argv[1]), np.load(sys.argv[2])
pixels = int((here["tiles"] != there["tiles"]).sum())
bits = int(np.bitwise_count(here["codes"] ^ there["codes"]).sum())
logits = float(np.abs(here["logits"] - there["logits"]).max())
codes = int((here["codes"] != there["codes"]).any(axis=1).sum())
print(
    f"{len(here['codes'])} tiles: {pixels} decoded values differ, {bits} of "
    f"{8 * here['codes'].size} bits in {codes} codes differ, logits by at most {logits:.3g}"
)
sys.exit(bits > int(sys.argv[3]))

"""The lineage of an adaptation: an id of its content, which every reader of the file can check.

The lineage of a training run cannot be checked in this way: FP32 and INT8 files of one run share
it, and have different numbers. Its signature ties a trained model to its lineage, and so do its
golden tiles' codes, which must equal those of the first trusted file of that lineage
(scenehash.trust).
"""

import hashlib

from .linear_code import LinearCode


def adaptation_lineage(base_lineage: str, code: LinearCode) -> str:
    """16 hexadecimal digits over all data that determines the codes of an adaptation.

    base_lineage: of the model whose representation the code uses.
    """
    digest = hashlib.sha256(base_lineage.encode())
    digest.update(code.matrix.tobytes() + code.threshold.tobytes())
    return digest.hexdigest()[:16]

"""The lineage of an adaptation: an id of its content, so that whoever reads the file can check it.

That of a training run cannot be checked so: FP32 and INT8 files of one run share it, and are other
numbers. What holds a trained model to its lineage is its signature, and the codes of its golden
tiles beside those of the first file of that lineage that was trusted (scenehash.trust).
"""

import hashlib

from .linear_code import LinearCode


def adaptation_lineage(base_lineage: str, code: LinearCode) -> str:
    """16 hexadecimal digits over all that determines the codes of an adaptation.

    base_lineage: that of the model whose representation the code is linear in.
    """
    digest = hashlib.sha256(base_lineage.encode())
    digest.update(code.matrix.tobytes() + code.threshold.tobytes())
    return digest.hexdigest()[:16]

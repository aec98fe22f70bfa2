"""A model file: its session, its card, its golden tiles.

hash_model.py    tiles -> codes and logits
model_file.py    from a path or a name to a file
reading.py       its card, without a session
inspection.py    the checks of a file before ONNX Runtime opens it
card.py          the description inside a model file
golden.py        golden tiles hashed again on this machine, and the limits of different bits
trusted.py       trust in model files on a machine with keys
lineage.py       an adaptation's id, from its content
adapted_graph.py the model file of an adaptation
linear_code.py   its code: linear in a representation, the same on every processor
"""

from typing import TYPE_CHECKING

from scenehash.lazy_names import lazy_names

from .model_file import shipped_model

if TYPE_CHECKING:
    from .hash_model import DriftWarning, HashModel

__all__ = ["DriftWarning", "HashModel", "shipped_model"]


# Reading a card must not wait for onnxruntime.
__getattr__ = lazy_names(__name__, {"DriftWarning": "hash_model", "HashModel": "hash_model"})

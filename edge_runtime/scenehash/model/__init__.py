"""A model file: its session, its card, its golden tiles.

hash_model.py    tiles -> codes and logits
model_file.py    which file is meant
reading.py       its card, without a session
inspection.py    what is checked in a file before ONNX Runtime opens it
card.py          the description inside a model file
golden.py        golden tiles hashed again on this machine, and the rule for bits that differ
trusted.py       which model files are trusted on a machine that has keys
lineage.py       an adaptation's id, by its content
adapted_graph.py the model file of an adaptation
linear_code.py   its code: linear in a representation, the same on every processor
"""

from typing import TYPE_CHECKING

from scenehash.lazy_names import lazy_names

from .model_file import shipped_model

if TYPE_CHECKING:
    from .hash_model import DriftWarning, HashModel

__all__ = ["DriftWarning", "HashModel", "shipped_model"]


# Who reads a card alone must not wait for onnxruntime.
__getattr__ = lazy_names(__name__, {"DriftWarning": "hash_model", "HashModel": "hash_model"})

"""A model file: its session, its card, its golden tiles.

hash_model.py   tiles -> codes and logits
model_file.py   which file is meant, and its card, without a session
inspection.py   what is checked in a file before ONNX Runtime opens it
card.py         the description inside a model file
golden.py       golden tiles hashed again on this machine, and the rule for bits that differ
"""

from typing import TYPE_CHECKING

from .model_file import shipped_model

if TYPE_CHECKING:
    from .hash_model import DriftWarning, HashModel

__all__ = ["DriftWarning", "HashModel", "shipped_model"]


def __getattr__(name: str) -> object:
    # Loaded on first use: who reads a card alone must not wait for onnxruntime.
    if name in __all__:
        from . import hash_model

        return getattr(hash_model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

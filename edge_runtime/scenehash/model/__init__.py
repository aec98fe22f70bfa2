"""A model file: its session, its card, its golden tiles.

hash_model.py   tiles -> codes and logits
inspection.py   what is checked in a file before ONNX Runtime opens it
card.py         the description inside a model file
golden.py       golden tiles hashed again on this machine, and the rule for bits that differ
"""

from .hash_model import DriftWarning, HashModel, shipped_model

__all__ = ["DriftWarning", "HashModel", "shipped_model"]

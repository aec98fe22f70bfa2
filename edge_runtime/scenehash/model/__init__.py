"""A model file: its session, its card, its golden tiles.

hash_model.py   tiles -> codes and logits
card.py         what a model file says about itself
golden.py       the card's golden tiles replayed on this machine
"""

from .hash_model import DriftWarning, HashModel, shipped_model

__all__ = ["DriftWarning", "HashModel", "shipped_model"]

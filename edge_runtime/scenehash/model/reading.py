"""The card of a model file, without ONNX Runtime, whose import is slow."""

from pathlib import Path

from scenehash.errors import ModelError

from .card import Card
from .inspection import inspect_model
from .model_file import model_path
from .trusted import read_trusted


def read_card(path: Path) -> Card:
    """The card of a model file; ModelError when it has none."""
    path = model_path(path)
    try:
        return Card.from_json(inspect_model(read_trusted(path)[0]).card)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error

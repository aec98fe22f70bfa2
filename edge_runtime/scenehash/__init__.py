"""scenehash on the device: hash scenes, keep their codes, find similar ones."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenehash.model.hash_model import HashModel

    from .errors import ScenehashError
    from .index import CodeIndex
    from .store import CodeStore, Filter, Hit

__all__ = ["CodeIndex", "CodeStore", "Filter", "HashModel", "Hit", "ScenehashError"]

_MODULE_OF = {
    "CodeIndex": "index",
    "CodeStore": "store",
    "Filter": "store",
    "HashModel": "model",
    "Hit": "store",
    "ScenehashError": "errors",
}


def __getattr__(name: str) -> object:
    # Loaded on first use: `scenehash --help` must not wait for onnxruntime and OpenCV.
    if name in _MODULE_OF:
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""scenehash on the device: hash scenes, keep their codes, find similar ones."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenehash.model.hash_model import HashModel

    from .errors import ScenehashError
    from .index import CodeIndex
    from .ingestion import IngestOptions, IngestReport, ingest, retry_quarantine
    from .store import CodeStore, Filter, Hit
    from .windows import Tiling

__all__ = [
    "CodeIndex",
    "CodeStore",
    "Filter",
    "HashModel",
    "Hit",
    "IngestOptions",
    "IngestReport",
    "ScenehashError",
    "Tiling",
    "ingest",
    "retry_quarantine",
]

_MODULE_OF = {
    "CodeIndex": "index",
    "CodeStore": "store",
    "Filter": "store",
    "HashModel": "model",
    "Hit": "store",
    "IngestOptions": "ingestion",
    "IngestReport": "ingestion",
    "ScenehashError": "errors",
    "Tiling": "windows",
    "ingest": "ingestion",
    "retry_quarantine": "ingestion",
}


def __getattr__(name: str) -> object:
    # Loaded on first use: `scenehash --help` must not wait for onnxruntime and OpenCV.
    if name in _MODULE_OF:
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

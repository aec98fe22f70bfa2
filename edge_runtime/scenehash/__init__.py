"""scenehash on the device: hash scenes, keep their codes, find similar ones."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .diagnose.bench.run import bench
    from .diagnose.doctor import doctor
    from .errors import ScenehashError
    from .index import CodeIndex
    from .model import HashModel
    from .retrieval.crop import Crop
    from .retrieval.query import Query
    from .retrieval.search import SearchResult, search
    from .store import CodeStore, Filter, Hit
    from .watcher.options import SinkConfig, WatchOptions
    from .watcher.watch import watch

__all__ = [
    "CodeIndex",
    "CodeStore",
    "Crop",
    "Filter",
    "HashModel",
    "Hit",
    "Query",
    "ScenehashError",
    "SearchResult",
    "SinkConfig",
    "WatchOptions",
    "bench",
    "doctor",
    "search",
    "watch",
]

_MODULE_OF = {
    "CodeIndex": "index",
    "CodeStore": "store",
    "Crop": "retrieval.crop",
    "Filter": "store",
    "HashModel": "model",
    "Hit": "store",
    "Query": "retrieval.query",
    "ScenehashError": "errors",
    "SearchResult": "retrieval.search",
    "SinkConfig": "watcher.options",
    "WatchOptions": "watcher.options",
    "bench": "diagnose.bench.run",
    "doctor": "diagnose.doctor",
    "search": "retrieval.search",
    "watch": "watcher.watch",
}


def __getattr__(name: str) -> object:
    # Loaded on first use: `scenehash --help` must not wait for onnxruntime and OpenCV.
    if name in _MODULE_OF:
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""scenehash on the device: hash scenes, keep their codes, find similar ones."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .diagnose.bench.run import bench
    from .diagnose.doctor import doctor
    from .errors import ScenehashError
    from .index import CodeIndex
    from .ingestion import IngestOptions, IngestReport, ingest, relocate, retry_quarantine
    from .model import HashModel
    from .report.tiling_preview import preview_tiles
    from .store import CodeStore, Filter, Hit
    from .watcher.options import SinkConfig, WatchOptions, WatchReport
    from .watcher.watch import watch
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
    "SinkConfig",
    "Tiling",
    "WatchOptions",
    "WatchReport",
    "bench",
    "doctor",
    "ingest",
    "preview_tiles",
    "relocate",
    "retry_quarantine",
    "watch",
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
    "SinkConfig": "watcher.options",
    "Tiling": "windows",
    "WatchOptions": "watcher.options",
    "WatchReport": "watcher.options",
    "bench": "diagnose.bench.run",
    "doctor": "diagnose.doctor",
    "ingest": "ingestion",
    "preview_tiles": "report.tiling_preview",
    "relocate": "ingestion",
    "retry_quarantine": "ingestion",
    "watch": "watcher.watch",
}


def __getattr__(name: str) -> object:
    # Loaded on first use: `scenehash --help` must not wait for onnxruntime and OpenCV.
    if name in _MODULE_OF:
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

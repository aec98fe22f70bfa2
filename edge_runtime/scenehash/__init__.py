"""scenehash on the device: hash scenes, keep their codes, find similar ones."""

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .diagnose.bench.run import bench
    from .diagnose.bench.settings import BenchSettings
    from .diagnose.doctor import Examination, doctor
    from .errors import ScenehashError
    from .index import CodeIndex
    from .ingestion import IngestOptions, IngestReport, ingest, relocate, retry_quarantine
    from .model import HashModel
    from .report.tiling_preview import preview_tiles
    from .retrieval.crop import Crop
    from .retrieval.query import Query
    from .retrieval.search import SearchResult, search
    from .store import CodeStore, Filter, Hit
    from .watcher.alerts import add_alert, tune_alert
    from .watcher.options import SinkConfig, WatchOptions, WatchReport
    from .watcher.watch import watch
    from .windows import Tiling

# onnxruntime reports its use to its makers, from its import on, and keeps a database and an id of
# the machine in the user's cache for it. A station touches no network unless it is told to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "BenchSettings",
    "CodeIndex",
    "CodeStore",
    "Crop",
    "Examination",
    "Filter",
    "HashModel",
    "Hit",
    "IngestOptions",
    "IngestReport",
    "Query",
    "ScenehashError",
    "SearchResult",
    "SinkConfig",
    "Tiling",
    "WatchOptions",
    "WatchReport",
    "add_alert",
    "bench",
    "doctor",
    "ingest",
    "preview_tiles",
    "relocate",
    "retry_quarantine",
    "search",
    "tune_alert",
    "watch",
]

_MODULE_OF = {
    "BenchSettings": "diagnose.bench.settings",
    "CodeIndex": "index",
    "CodeStore": "store",
    "Crop": "retrieval.crop",
    "Examination": "diagnose.doctor",
    "Filter": "store",
    "HashModel": "model",
    "Hit": "store",
    "IngestOptions": "ingestion",
    "IngestReport": "ingestion",
    "Query": "retrieval.query",
    "ScenehashError": "errors",
    "SearchResult": "retrieval.search",
    "SinkConfig": "watcher.options",
    "Tiling": "windows",
    "WatchOptions": "watcher.options",
    "WatchReport": "watcher.options",
    "add_alert": "watcher.alerts",
    "bench": "diagnose.bench.run",
    "doctor": "diagnose.doctor",
    "ingest": "ingestion",
    "preview_tiles": "report.tiling_preview",
    "relocate": "ingestion",
    "retry_quarantine": "ingestion",
    "search": "retrieval.search",
    "tune_alert": "watcher.alerts",
    "watch": "watcher.watch",
}


def __getattr__(name: str) -> object:
    # Loaded on first use: `scenehash --help` must not wait for onnxruntime and OpenCV.
    if name in _MODULE_OF:
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

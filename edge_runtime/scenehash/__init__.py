"""Hash scenes, store their codes and find similar scenes, on the device and without PyTorch.

Ingest scenes and search them:

```python
import scenehash

options = scenehash.IngestOptions(label_from_folder=True)
report = scenehash.ingest(["scenehash-demo/scenes"], "my.store", options=options)
print(report.tiles, "tiles of", len(report.stored), "scenes;", len(report.set_aside), "set aside")

query = "scenehash-demo/queries/harbor/harbor01.jpg"
found = scenehash.search("my.store", query, k=5)
print([(hit.rank, hit.distance, hit.scene) for hit in found.hits])
```

Read the tiles of a scene as an ingest does, with their footprints and the time:

```python
import scenehash

scene = scenehash.read_scene("scenehash-demo/queries/harbor/harbor01.jpg")
print(scene.tiles.shape, scene.windows, scene.footprints, scene.time, scene.reading)
```

The same with a model, codes and a store:

```python
from pathlib import Path

from scenehash import CodeStore, Filter, HashModel
from scenehash.scenes import read_image

model = HashModel.load()
image = read_image(Path("scenehash-demo/queries/harbor/harbor01.jpg"))  # uint8 [H, W, 3], RGB
with CodeStore.open("my.store") as store:
    codes = model.encode([image], store.bits)  # uint8 [1, 8]: 64 bits
    for hit in store.search(codes, k=5, where=Filter(label="harbor"))[0]:
        print(hit.rank, hit.distance, hit.scene)
```

Ingest the files that arrive in a folder, with an event for each:

```python
import sys
from pathlib import Path

from scenehash import SinkOptions, WatchOptions, watch

report = watch(
    [Path("scenehash-demo/queries/beach")],
    Path("my.store"),
    options=WatchOptions(once=True),
    sinks=SinkOptions(stream=sys.stdout),
)
print(report.stored, "stored")
```
"""

import os
from typing import TYPE_CHECKING

from .lazy_names import lazy_names

if TYPE_CHECKING:
    from .alerts.changing import confirm_match, forget_match, reject_match, set_false_alarm_rate
    from .alerts.making import add_alert
    from .alerts.trial import count_alert_matches, count_by_radius
    from .archive import HashReport, LoadReport, hash_archive, load_archive, push_archive
    from .decode_params import DecodeParams
    from .diagnose.bench.run import bench
    from .diagnose.bench.settings import BenchSettings
    from .diagnose.doctor import DoctorReport, doctor
    from .engines import EngineStore, PushReport, push
    from .errors import ScenehashError
    from .index import CodeIndex
    from .ingestion import (
        IngestOptions,
        IngestReport,
        ingest,
        retry_quarantine,
    )
    from .ingestion.rehash import RehashReport, rehash
    from .ingestion.relocate import relocate
    from .model import HashModel
    from .report.tiling_preview import preview_tiles
    from .retrieval.crop import Crop
    from .retrieval.query import Query
    from .retrieval.search import SearchResult, search
    from .scenes import SceneTiles, read_scene
    from .store import Area, CodeStore, Filter, Hit
    from .tiling import Tiling
    from .watcher.options import SinkOptions, WatchOptions, WatchReport
    from .watcher.watch import watch

# onnxruntime reports its use to its makers, from its import on, and keeps a database and an id of
# the machine in the user's cache for it. A station touches no network unless it is told to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "Area",
    "BenchSettings",
    "CodeIndex",
    "CodeStore",
    "Crop",
    "DecodeParams",
    "DoctorReport",
    "EngineStore",
    "Filter",
    "HashModel",
    "HashReport",
    "Hit",
    "IngestOptions",
    "IngestReport",
    "LoadReport",
    "PushReport",
    "Query",
    "RehashReport",
    "SceneTiles",
    "ScenehashError",
    "SearchResult",
    "SinkOptions",
    "Tiling",
    "WatchOptions",
    "WatchReport",
    "add_alert",
    "bench",
    "confirm_match",
    "count_alert_matches",
    "count_by_radius",
    "doctor",
    "forget_match",
    "hash_archive",
    "ingest",
    "load_archive",
    "preview_tiles",
    "push",
    "push_archive",
    "read_scene",
    "rehash",
    "reject_match",
    "relocate",
    "retry_quarantine",
    "search",
    "set_false_alarm_rate",
    "watch",
]

_MODULE_OF = {
    "Area": "store",
    "BenchSettings": "diagnose.bench.settings",
    "CodeIndex": "index",
    "CodeStore": "store",
    "Crop": "retrieval.crop",
    "DecodeParams": "decode_params",
    "EngineStore": "engines",
    "DoctorReport": "diagnose.doctor",
    "Filter": "store",
    "HashModel": "model",
    "HashReport": "archive",
    "Hit": "store",
    "IngestOptions": "ingestion",
    "IngestReport": "ingestion",
    "LoadReport": "archive",
    "PushReport": "engines",
    "Query": "retrieval.query",
    "RehashReport": "ingestion.rehash",
    "SceneTiles": "scenes",
    "ScenehashError": "errors",
    "SearchResult": "retrieval.search",
    "SinkOptions": "watcher.options",
    "Tiling": "tiling",
    "WatchOptions": "watcher.options",
    "WatchReport": "watcher.options",
    "add_alert": "alerts.making",
    "bench": "diagnose.bench.run",
    "confirm_match": "alerts.changing",
    "forget_match": "alerts.changing",
    "doctor": "diagnose.doctor",
    "hash_archive": "archive",
    "ingest": "ingestion",
    "load_archive": "archive",
    "preview_tiles": "report.tiling_preview",
    "push": "engines",
    "push_archive": "archive",
    "read_scene": "scenes",
    "rehash": "ingestion.rehash",
    "reject_match": "alerts.changing",
    "relocate": "ingestion.relocate",
    "retry_quarantine": "ingestion",
    "search": "retrieval.search",
    "set_false_alarm_rate": "alerts.changing",
    "count_alert_matches": "alerts.trial",
    "count_by_radius": "alerts.trial",
    "watch": "watcher.watch",
}


# `scenehash --help` must not wait for onnxruntime and OpenCV.
__getattr__ = lazy_names(__name__, _MODULE_OF)

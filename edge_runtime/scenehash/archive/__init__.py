"""An archive hashed by many processes: scenes to parts in Parquet, and parts into a store.

hash.py         hash_archive: the scenes, the finished ones, and the rest
sources.py      addresses of scenes: files, folders, buckets; opening.py opens one of them
recipe.py       the settings that determine a part besides its scene, and so its name
work.py         a task: a scene, or a block of a huge one, becomes a part
parts.py        a part as bytes, and back
manifest.py     finished and failed scenes, with reasons
storage.py      the place of parts and manifest
model.py        the model file beside them
scheduler.py    the interface of a scheduler:
  local.py        processes of this machine; worker.py is one of them
  cluster.py      the workers of a Dask scheduler
load.py         load_archive: parts into a store; push.py pushes them to an engine
report.py       the results of hashing or loading an archive
"""

from .hash import hash_archive
from .load import load_archive
from .push import push_archive
from .report import HashReport, LoadReport

__all__ = ["HashReport", "LoadReport", "hash_archive", "load_archive", "push_archive"]

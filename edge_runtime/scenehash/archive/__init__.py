"""An archive hashed by many: scenes to parts in Parquet, and parts into a store.

hash.py         hash_archive: which scenes there are, what is done, what is left
sources.py      addresses to scenes: files, folders, buckets; opening.py opens one of them
recipe.py       what determines a part besides its scene, and so its name
work.py         a task: a scene, or a block of a huge one, becomes a part
parts.py        a part as bytes, and back
manifest.py     what is done, what failed, and why
storage.py      where parts and manifest lie
scheduler.py    what a scheduler does:
  local.py        processes of this machine; worker.py is one of them
  cluster.py      the workers of a Dask scheduler
load.py         load_archive: parts into a store; push.py brings them to an engine
report.py       what became of an archive that was hashed, or loaded
"""

from .hash import hash_archive
from .load import load_archive
from .push import push_archive
from .report import HashReport, LoadReport

__all__ = ["HashReport", "LoadReport", "hash_archive", "load_archive", "push_archive"]

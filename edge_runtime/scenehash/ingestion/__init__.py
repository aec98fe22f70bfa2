"""Scenes into a store: read ahead, hash in batches, commit.

options.py      options of an ingest
pipeline.py     the whole ingest
prefetch.py     reading of scene files; read_ahead.py does it in a thread
hash_stream.py  tiles to codes, in batches across scenes
report.py       the result of an ingest
relocate.py     scenes whose files have moved
upkeep.py       the other data that a store keeps: model file, representations
thumbnails.py   missing thumbnails of stored tiles; vectors.py: missing representations
rehash.py       another model for a store:
  rereading.py    stored scenes read and hashed again
  new_codes.py    their new codes, made outside the store
  left_behind.py  scenes and alerts without new codes, and their return
"""

from .options import IngestOptions
from .pipeline import ingest, ingest_files, retry_quarantine
from .report import IngestReport

__all__ = [
    "IngestOptions",
    "IngestReport",
    "ingest",
    "ingest_files",
    "retry_quarantine",
]

"""Scenes into a store: read ahead, hash in batches, commit.

options.py      how scenes are read, cut and stored
pipeline.py     all of it
prefetch.py     what is read of scene files; read_ahead.py does it in a thread
hash_stream.py  tiles to codes, in batches across scenes
report.py       what became of the inputs
relocate.py     scenes whose files have moved
upkeep.py       what a store keeps beside codes
thumbnails.py   thumbnails of tiles that were stored without; vectors.py their representations
rehash.py       another model for a store:
  rereading.py    stored scenes read and hashed again
  new_codes.py    their new codes, made beside the store
  left_behind.py  scenes and alerts that have none, and their return
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

"""Scenes into a store: read ahead, hash in batches, commit.

options.py      how scenes are read, cut and stored
prefetch.py     scene files to tiles, in a thread
pipeline.py     tiles to codes to commits
report.py       what became of the inputs
relocate.py     scenes whose files have moved
thumbnails.py   thumbnails of tiles that were stored without
"""

from .options import IngestOptions
from .pipeline import ingest, ingest_files, retry_quarantine
from .relocate import RelocateReport, relocate
from .report import IngestReport

__all__ = [
    "IngestOptions",
    "IngestReport",
    "RelocateReport",
    "ingest",
    "ingest_files",
    "relocate",
    "retry_quarantine",
]

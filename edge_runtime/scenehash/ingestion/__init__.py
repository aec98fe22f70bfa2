"""Scenes into a store: read ahead, hash in batches, commit.

prefetch.py     scene files to tiles, in a thread
pipeline.py     tiles to codes to commits
thumbnails.py   thumbnails of tiles that were stored without
"""

from .pipeline import IngestOptions, IngestReport, ingest

__all__ = ["IngestOptions", "IngestReport", "ingest"]

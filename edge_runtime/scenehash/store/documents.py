"""What a store holds as plain values, as JSON has them: for commands and the HTTP API alike."""

from collections.abc import Iterable
from pathlib import Path

from .store import CodeStore
from .thumbnails import THUMBNAILS

Document = dict[str, object]


def info_document(store: CodeStore) -> Document:
    """What a store contains, and which model made it."""
    scenes, tiles = store.counts()
    return {
        "store": str(store.path),
        "scenes": scenes,
        "tiles": tiles,
        "rows": store.rows,
        "deleted": store.deleted,
        "indexed": store.indexed,
        "bits": store.bits,
        "lineage": store.lineage,
        "model": store.model,
        "thumbnails": store.thumbnail_count() if store.thumbnails.kept else None,
        "thumbnail_bytes": bytes_of(store.path.glob(f"{THUMBNAILS}*")),
        "bytes": bytes_of(store.path.rglob("*")),
    }


def alerts_document(store: CodeStore) -> Document:
    """The alerts, by name."""
    alerts = [alert.document() for alert in store.alerts.list()]
    return {"store": str(store.path), "alerts": alerts}


def quarantine_document(store: CodeStore) -> Document:
    """The inputs that could not be ingested, each with the reason."""
    items = [item.document() for item in store.quarantine.list()]
    return {"store": str(store.path), "quarantine": items}


def bytes_of(paths: Iterable[Path]) -> int:
    """How many bytes files have; one that goes meanwhile has none."""
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total

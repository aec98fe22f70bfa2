"""The code store: one folder that holds scenes, tiles and codes, and loses none of them.

store.py       what others use: open, add, search, delete, compact, merge, verify
catalog.py     the SQLite file, the only place where anything is committed
outbox.py      in it, the events of a watch until they are delivered
alerts.py      in it, the watch list
codes_file.py  codes.bin, the packed codes
thumbnails.py  thumbnails.sqlite, small pictures of tiles
selection.py   from a filter to rows
check.py       is what the disk gives back what was committed?
tables.py      the whole store as one file for others to read: Parquet, npz
"""

from .alerts import Alert
from .filters import Filter
from .outbox import Arrival
from .records import HashedScene, SceneRecord
from .results import Added, Hit, Quarantined
from .store import CodeStore
from .thumbnails import THUMBNAILS

__all__ = [
    "THUMBNAILS",
    "Added",
    "Alert",
    "Arrival",
    "CodeStore",
    "Filter",
    "HashedScene",
    "Hit",
    "Quarantined",
    "SceneRecord",
]

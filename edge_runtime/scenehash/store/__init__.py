"""The code store: one folder that holds scenes, tiles and codes durably.

catalog/        catalog.sqlite, the only place of commits
files/          the other files of the folder, and the lock of its one writer
links/          the state of links to other stations
search/         search requests, filters, snapshots and hits
reading/        queries to an open store: scenes, tiles, hits, damage
changing/       transactions and the changes in them
backups/        backups of a store in use, and their restoration
store.py        CodeStore: open, add, delete, compact, merge, verify
documents.py    the contents of a store as plain values for JSON
records.py      HashedScene, and its stored record
rows.py         a row, and the position of its code in codes.bin
labels.py       labels of scenes
alert.py        a stored alert; alert_rule.py its rule
added.py        the result of adding scenes
"""

from .added import Added
from .alert import Alert, ExampleTile
from .alert_rule import Expected, Kind, Rule, Scores, fitted_on
from .catalog.outbox import MOST_EVENT, Arrival
from .catalog.quarantine import Quarantined
from .changing.switch import Switch
from .files.earlier import EARLIER, Earlier, earlier_path, earlier_paths
from .files.opening import model_of
from .files.thumbnails import THUMBNAILS
from .files.vectors import VECTORS, unit
from .labels import check_labels, label_of_folder
from .links.scenes import LinkedScene
from .records import FILE, HashedScene, SceneRecord, SceneVectors
from .search.area import Area
from .search.filters import Filter
from .search.hit import Hit
from .search.request import SearchRequest
from .search.sample import TileSample
from .search.searchable import Searchable
from .store import CodeStore

__all__ = [
    "EARLIER",
    "FILE",
    "MOST_EVENT",
    "THUMBNAILS",
    "VECTORS",
    "Added",
    "Alert",
    "Area",
    "Arrival",
    "CodeStore",
    "Earlier",
    "ExampleTile",
    "Expected",
    "Filter",
    "HashedScene",
    "Hit",
    "Kind",
    "LinkedScene",
    "Quarantined",
    "Rule",
    "SceneRecord",
    "SceneVectors",
    "Scores",
    "SearchRequest",
    "Searchable",
    "Switch",
    "TileSample",
    "check_labels",
    "earlier_path",
    "earlier_paths",
    "fitted_on",
    "label_of_folder",
    "model_of",
    "unit",
]

"""The code store: one folder that holds scenes, tiles and codes, and loses none of them.

catalog/        catalog.sqlite, the only place where anything is committed
files/          the other files of the folder, and the lock of its one writer
links/          what a store knows of other stations
search/         what a search asks for, which tiles it sees, and what it finds
reading/        what an open store answers: scenes, tiles, hits, damage
changing/       what is committed at once, and what that changes
backups/        a store into a backup, while it is written to, and out of it
store.py        CodeStore: open, add, delete, compact, merge, verify
documents.py    what a store holds, as JSON has it
records.py      HashedScene, and what the store keeps of it
rows.py         a row, and the position of its code in codes.bin
labels.py       words that scenes are found by
alert.py        an alert, as it is kept; alert_rule.py its rule
added.py        what became of scenes that were added
"""

from .added import Added
from .alert import Alert, ExampleTile
from .alert_rule import Expected, Kind, Rule, Scores, fitted_on
from .catalog.outbox import Arrival
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

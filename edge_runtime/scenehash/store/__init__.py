"""The code store: one folder that holds scenes, tiles and codes, and loses none of them.

What others use

store.py        CodeStore: open, add, delete, compact, merge, verify
reader.py       its part that changes nothing: search, tiles, codes
alerts.py       store.alerts: what a watch matches new scenes against
alert_rule.py   an alert's rule: a score of each tile, and a threshold
outbox.py       store.outbox: events until they are delivered
quarantine.py   store.quarantine: inputs that could not be ingested
links.py        store.links: what it knows of other stations
thumbnails.py   store.thumbnails, in a file of their own (tile_file.py)
vectors.py      store.vectors, likewise: what the model sees in tiles
earlier.py      what could not follow a store to another model
request.py      SearchRequest: what is searched for
searchable.py   Searchable: what a search needs of a store, or of an engine in its place
filters.py      Filter: which rows a search considers
area.py         Area: polygons that tiles may have to meet
labels.py       words that scenes are found by
records.py      HashedScene, and what the store keeps of it
results.py      Hit, Added, Quarantined
listing.py      lists of scenes, labels and times
documents.py    what a store holds, as JSON has it

How it is kept

catalog.py      the SQLite file, the only place where anything is committed
state.py        in it, whose codes these are and how many
scene_table.py  in it, scenes and labels
tile_table.py   in it, tiles, footprints, and the R*Tree of blocks.py
database.py     SQLite: threads, transactions, errors
codes_file.py   codes.bin, the packed codes
folder.py       the folder, and the lock of its one writer
opening.py      these files, opened and made
transaction.py  what is committed at once: add, repair, compact, switch
switch.py       what a change to another model's codes consists of
rehash_work.py  what an interrupted rehash has done already
station.py      the name of the station whose store it is
model_file.py   the model whose codes these are
changes.py      what changes of a scene while its tiles stay
merge.py        the scenes of another store
backup_file.py  a file of backups: blocks, each once
backup.py       a store into it, while it is written to
restore.py      a store out of it

How it is read

snapshot.py     what is committed at one time, and the search in it
rows.py         a row, and the position of its code in codes.bin
resolving.py    from a filter as a person gives it to one that a store can use
selection.py    from that to rows
sample.py       some tiles, drawn at random
known_sound.py  what a process has found to be sound
entry.py        one scene, compared with its checksums
verify.py       all of it, compared with its checksums
"""

from .alert_rule import Expected, Kind, Rule, Scores, fitted_on, signs, unit
from .alerts import Alert, ExampleTile, Judged
from .area import Area
from .earlier import EARLIER, Earlier, earlier_path, earlier_paths
from .filters import Filter
from .labels import check_labels, label_of_folder
from .links import LinkedScene
from .opening import model_of
from .outbox import Arrival
from .records import FILE, HashedScene, SceneRecord, SceneVectors
from .request import SearchRequest
from .results import Added, Hit, Quarantined
from .sample import TileSample
from .searchable import Searchable
from .store import CodeStore
from .switch import Switch
from .thumbnails import THUMBNAILS
from .vectors import VECTORS

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
    "Judged",
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
    "signs",
    "unit",
]

"""The SQLite file of a store, the only place of commits.

catalog.py      the file: its tables, and the state that is committed as a whole
database.py     SQLite: threads, transactions, errors
state.py        the model and the counts of the store
station.py      the name of the store's station
scene_table.py  scenes and labels
tile_table.py   tiles, footprints, and the R*Tree of blocks.py
entry.py        one scene, compared with its checksums
alerts.py       store.alerts: the alerts that a watch matches with new scenes
outbox.py       store.outbox: events until their delivery
link_tables.py  the tables of store.links
quarantine.py   store.quarantine: inputs that could not be ingested
"""

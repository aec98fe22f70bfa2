"""The SQLite file of a store, the only place where anything is committed.

catalog.py      the file: its tables, and what is committed as a whole
database.py     SQLite: threads, transactions, errors
state.py        whose codes these are and how many
station.py      the name of the station whose store it is
scene_table.py  scenes and labels
tile_table.py   tiles, footprints, and the R*Tree of blocks.py
entry.py        one scene, compared with its checksums
alerts.py       store.alerts: what a watch matches new scenes against
outbox.py       store.outbox: events until they are delivered
link_tables.py  the tables of store.links
quarantine.py   store.quarantine: inputs that could not be ingested
"""

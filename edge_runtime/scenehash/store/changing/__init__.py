"""Changes of a store: transactions, and their contents.

transaction.py  one commit: add, repair, compact, switch
changes.py      changes of a scene that keep its tiles
merge.py        the scenes of another store
switch.py       a change to another model's codes
"""

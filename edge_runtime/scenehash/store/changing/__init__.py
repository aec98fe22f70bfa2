"""What changes a store: a transaction, and what it writes.

transaction.py  what is committed at once: add, repair, compact, switch
changes.py      what changes of a scene while its tiles stay
merge.py        the scenes of another store
switch.py       what a change to another model's codes consists of
"""

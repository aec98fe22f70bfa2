"""Watching folders: what arrives is stored, matched, and told of.

listing.py      what lies in the folders
arrivals.py     which files are complete
backlog.py      which comes next, and which are dropped when there are too many
matching.py     a scene's tiles against the store and its watch list
events.py       what is said of it
loop.py         all of that, step by step
sinks.py        who is told: a stream; event_file.py, webhook.py
waiting.py      until something may have changed
"""

"""Watching folders: new scenes are ingested, matched against alerts, and reported as events.

watch.py            the whole watch, as one function
options.py          its options
listing.py          the files in the folders
arrivals.py         which files are complete
backlog.py          the order of files, and the files to drop when too many wait
loop.py             scan, choose, ingest, match, deliver
lock.py             one watch per store
matching.py         a scene's tiles against the store and its alerts
bursts.py           overlapping tiles that count as one find
novelty.py          whether a place was seen before, and has changed
events.py           events as JSON
dispatcher.py       delivers events to the sinks: sinks.py, event_file.py, webhook.py (endpoint.py)
status.py           the state of the watch, for other programs
waiting.py          waiting for changes in the folders
"""

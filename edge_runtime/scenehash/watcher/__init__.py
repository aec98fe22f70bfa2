"""Watching folders: new scenes are ingested, matched against alerts, and reported as events.

watch.py            all of it, as one function
options.py          what may be set
listing.py          the files in the folders
arrivals.py         which of them are complete
backlog.py          which comes next, and which are dropped when there are too many
loop.py             scan, choose, ingest, match, deliver
lock.py             one watch a store
matching.py         a scene's tiles against the store and its alerts
bursts.py           tiles that are one find
novelty.py          whether a place was seen before, and has changed
events.py           events as JSON
dispatcher.py       delivers events to the sinks: sinks.py, event_file.py, webhook.py (endpoint.py)
status.py           what the watch is doing, for whoever looks
waiting.py          until something may have changed
"""

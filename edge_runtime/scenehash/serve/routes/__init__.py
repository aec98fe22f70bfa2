"""The routes of the API, one file per group.

common.py       shared parts: the station of a request, documents, pictures
search.py       a search, by a document or by an address
scenes.py       scenes and tiles: lists, facts, pictures
station.py      the station: its store, its health, its quarantine; metrics
alerts.py       alerts: making, testing and judging
events.py       stored and live events
jobs.py         work that takes longer than a request
uploads.py      temporary query images
session.py      the session of a browser: a token in a cookie
collection.py   the other routes of a server of an engine
"""

"""The addresses of the API, a group a file.

common.py       what the routes share: the station behind a request, documents, pictures
search.py       a search, by a document or by an address
scenes.py       scenes and tiles: lists, facts, pictures
station.py      the station: its store, its health, its quarantine; figures for a monitor
alerts.py       kinds of tile that a watch reports, made, tried and judged
events.py       a history of events, and those that come
jobs.py         work that takes longer than a request
uploads.py      images that are sent to search with, for a while
session.py      the session of a browser: a token in a cookie
collection.py   what a server of an engine answers beside searches
"""

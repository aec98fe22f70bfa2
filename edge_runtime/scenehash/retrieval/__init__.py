"""Search: from queries to hits.

query.py         an image, a crop of a scene or a stored row becomes a code
search.py        several examples, counter-examples, re-ranking
place_match.py   is a hit the very place that the query shows?
"""

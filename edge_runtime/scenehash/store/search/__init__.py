"""A search in a store: requests, filters, snapshots and hits.

request.py      SearchRequest: the parameters of a search
filters.py      Filter: the rows that a search considers
area.py         Area: polygons, for filters
resolving.py    from a user's filter to the store's filter
selection.py    from the store's filter to rows
snapshot.py     the committed state at one time, and the search in it
hit.py          Hit: the result of a search
searchable.py   Searchable: the interface of stores and engines for a search
sample.py       a random sample of tiles
"""

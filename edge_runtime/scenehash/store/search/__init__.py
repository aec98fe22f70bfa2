"""A search in a store: what is asked for, which tiles it sees, and what it finds.

request.py      SearchRequest: what is searched for
filters.py      Filter: which rows a search considers
area.py         Area: polygons that tiles may have to meet
resolving.py    from a filter as a person gives it to one that a store can use
selection.py    from that to rows
snapshot.py     what is committed at one time, and the search in it
hit.py          Hit: what is found
searchable.py   Searchable: what a search needs of a store, or of an engine in its place
sample.py       some tiles, drawn at random
"""

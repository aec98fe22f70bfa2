"""The state of links to other stations, in tables of the catalog.

links.py        store.links: all of it
states.py       the progress of each link
scenes.py       the stored scenes of other stations
annotations.py  labels and paths of their scenes
own.py          the scenes of this store, as its peers count them
waiting.py      data that arrives in parts
"""

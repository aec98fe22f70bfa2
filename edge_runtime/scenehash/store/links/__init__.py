"""What a store knows of other stations, in tables of its catalog.

links.py        store.links: all of it
states.py       how far each link is
scenes.py       which scenes of which stations the store holds
annotations.py  what their stations say of them
own.py          the scenes of this store, as its peers count them
waiting.py      what has come in parts
"""

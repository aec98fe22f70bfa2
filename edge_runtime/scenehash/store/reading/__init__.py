"""Reading from an open store.

view.py         the committed state that an open store sees
scene_reader.py its scenes
tile_reader.py  its tiles: their codes, pictures and vectors
reader.py       all of these, and searches
listing.py      lists of scenes, labels and times
verify.py       the check of all stored data against its checksums
"""

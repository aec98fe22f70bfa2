"""What an open store answers, and changes nothing by it.

view.py         what is committed, as an open store sees that
scene_reader.py its scenes
tile_reader.py  its tiles: their codes, pictures and vectors
reader.py       all of it, and searches
listing.py      lists of scenes, labels and times
verify.py       all that is stored, compared with its checksums
"""

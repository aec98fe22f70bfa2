"""The files of a store besides its catalog.

folder.py       the folder, and the lock of its one writer
opening.py      opening and making of the files
codes_file.py   codes.bin, the packed codes
known_sound.py  the checked scenes that a process remembers
model_file.py   the model of these codes
tile_file.py    a file of derived data per tile
thumbnails.py   store.thumbnails, in such a file
vectors.py      store.vectors, in such a file: representations
earlier.py      stores of scenes and alerts without codes of the present model
rehash_work.py  the finished work of an interrupted rehash
"""

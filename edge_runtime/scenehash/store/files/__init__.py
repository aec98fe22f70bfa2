"""The files of a store beside its catalog.

folder.py       the folder, and the lock of its one writer
opening.py      its files, opened and made
codes_file.py   codes.bin, the packed codes
known_sound.py  what of it a process has found to be sound
model_file.py   the model whose codes these are
tile_file.py    a file of something of each tile
thumbnails.py   store.thumbnails, in such a file
vectors.py      store.vectors, likewise: what the model sees in tiles
earlier.py      stores of what could not follow this one to another model
rehash_work.py  what an interrupted rehash has done already
"""

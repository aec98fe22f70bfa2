"""Search: from queries to hits.

search.py        the public function, and its result
options.py       its defaults and choices
query.py         a file, an image, a stored row or a code becomes codes
crop.py          the part of a scene that is the query
stored_place.py  the stored tile at a place
rerank.py        other orders of the nearest hits
mixing.py        one such order: by codes and representations together
familiarity.py   whether a model knows the kinds of scene in tiles
place_match.py   whether a hit shows the place of the query
match_words.py   one word for the meaning of a hit
grouping.py      hits of one place
filter_text.py   filters and names of scenes as text
pictures.py      pixels to show to a person
"""

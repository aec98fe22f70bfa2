"""Search: from queries to hits.

search.py        the public function, and its result
query.py         a file, an image, a stored row or a code becomes codes
crop.py          the part of a scene that is meant
stored_place.py  the stored tile that shows a place
rerank.py        another order for the nearest hits
mixing.py        one such order: by codes and representations together
familiarity.py   whether a model knows the kinds of scene that tiles show
place_match.py   whether a hit shows the place of the query
match_words.py   one word for how much a hit means
grouping.py      hits of one place
filter_text.py   filters and names of scenes as they are shown
pictures.py      pixels to be shown
"""

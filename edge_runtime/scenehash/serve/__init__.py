"""The HTTP API of a station, or of an engine, and its page.

server.py       all of it, as one function
options.py      what may be set
app.py          routes, page and guard joined
routes/         the addresses, a group a file
queries.py      requests, checked, and made into queries and filters
served.py       what requests use, of whatever is served: readers, a model, uploads
station.py      a store, with its writer, alerts, events and jobs
collection.py   the tiles of several stations in an engine
readers.py      open stores that follow the writer
uploads.py      images to search with, for a while
open_scenes.py  stored scenes that stay open for a while
warming.py      what the first searches would wait for, as a server starts
feed.py         events, kept and live
jobs.py         work that takes longer than a request
job.py          one of them; work.py does it; job_file.py keeps them
model_in_use.py the model of the store, also after a rehash
guard.py        what every request passes: origin.py, access.py and tokens.py, limits.py
connections.py  how many connections there may be, and how slow
problems.py     errors as answers
audit.py        who changed what
metrics.py      figures for Prometheus
text_response.py text as an answer, compressed
web_page.py     the files of the page, which page/ has
description.py  the API for people
"""

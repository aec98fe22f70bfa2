"""The HTTP API of a station, or of an engine, and its page.

server.py       the whole server, as one function
options.py      its options
app.py          the application: routes, page and guard
routes/         the routes, one file per group
queries.py      requests, checked, and converted to queries and filters
served.py       the common part of station and collection: readers, a model, uploads
station.py      a store, with its writer, alerts, events and jobs
collection.py   the tiles of several stations in an engine
readers.py      open stores that follow the writer
uploads.py      temporary query images
open_scenes.py  stored scenes that stay open for a while
warming.py      preparation for the first searches at the start of a server
feed.py         stored and live events
jobs.py         work that takes longer than a request
job.py          one job; work.py does its work; job_file.py stores jobs
model_in_use.py the model of the store, also after a rehash
guard.py        the checks of every request: origin.py, access.py and tokens.py, limits.py
connections.py  limits of the number and the slowness of connections
parameters.py   the refusal of parameters that a route does not have
problems.py     errors as answers
audit.py        the log of changes
metrics.py      metrics for Prometheus
request_headers.py  what answer a client accepts
text_response.py text answers, compressed
web_page.py     the files of the page, in page/
description.py  the description of the API for people
"""

"""The whole work of a device on real tiles that come with the package.

demo.py   ingest an archive, search it with queries that are not in it
tiles/    the tiles: 12 kinds of aerial scenes
"""

"""Results as files for people and other programs.

contact_sheet.py    queries and their hits as one picture
lettering.py        text on pictures, in any script
html_report.py      a search as a page with maps
footprint_map.py    its maps, as SVG
search_files.py     the files of a search
geojson.py          footprints for maps
map_tile.py         tiles of the web map with the pixels of a scene
tables.py           a whole store as GeoParquet or npz
geoparquet.py       the GeoParquet file, sorted along a hilbert.py curve
stac.py             a store as a static STAC catalogue
tiling_preview.py   how a scene is cut into tiles
"""

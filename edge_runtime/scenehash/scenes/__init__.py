"""Scenes: finding their files, reading them a few tiles at a time, knowing where and when they are.

opening.py   from a path to a Scene
picture.py   plain images, by OpenCV
raster.py    georeferenced rasters, by GDAL; bands.py says which bands are red, green and blue
windows.py   which squares become tiles
times.py     when a scene was acquired
files.py     finding files, and the id of their content
"""

from scenehash.windows import Tiling, Window

from .files import content_id, find_scenes, image_files
from .opening import open_scene, reopen_scene
from .scene import Scene, Tile

__all__ = [
    "Scene",
    "Tile",
    "Tiling",
    "Window",
    "content_id",
    "find_scenes",
    "image_files",
    "open_scene",
    "reopen_scene",
]

"""Scenes: finding their files, reading them a few tiles at a time, knowing where and when they are.

The one place where files become tiles, for training as for the device:

opening.py        from a path to a Scene; by the file's first bytes (formats.py)
scene.py          windows, tiles, footprints of an open scene; reading.py does it in one call
source.py         where pixels come from:
  plain_image.py  JPEG, PNG, BMP, WebP by OpenCV, turned by exif.py, bounded by size_limits.py
  raster.py       TIFF and other rasters by GDAL, fenced in by gdal_access.py and vrt.py
decoding.py       bands become red, green and blue of 8 bits: decode_params.py says how,
                  bands.py and band_names.py which, validity.py where, stretch.py from what to what
place.py          where a scene is, as far as that is known
georeference.py   where a raster lies
parts.py          what a scene is made of besides its file; times.py when it was acquired
files.py          finding files, and the id of their content; inputs.py also by STAC (stac.py)
exposure.py       tiles that show nothing; thumbnails.py small pictures of tiles
damage.py         damage in JPEG and PNG that OpenCV does not report
tiff_directory.py what a TIFF's first directory says; turned.py turns images as it says
jp2_header.py     the colour space that a JPEG 2000 file states
"""

from scenehash.decode_params import DecodeParams
from scenehash.tiling import Tiling, Window

from .files import content_id, find_scenes, image_files
from .opening import open_scene, reopen_scene
from .reading import SceneTiles, image_of, read_image, read_scene, read_tile
from .scene import Scene, Tile

__all__ = [
    "DecodeParams",
    "Scene",
    "SceneTiles",
    "Tile",
    "Tiling",
    "Window",
    "content_id",
    "find_scenes",
    "image_files",
    "image_of",
    "open_scene",
    "read_image",
    "read_scene",
    "read_tile",
    "reopen_scene",
]

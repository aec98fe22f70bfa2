"""Scenes: finding their files, reading them a few tiles at a time, their places and times.

All files become tiles here, for training and on the device:

opening.py        from a path to a Scene; by the file's first bytes (formats.py)
scene.py          windows, tiles, footprints of an open scene; reading.py does it in one call
source.py         sources of pixels:
  plain_image.py  JPEG, PNG, BMP, WebP by OpenCV, turned by exif.py, limited by size_limits.py
  raster.py       TIFF and other rasters by GDAL, restricted by gdal_access.py and vrt.py
decoding.py       bands become red, green and blue of 8 bits: bands.py and band_names.py choose
                  bands, validity.py finds valid pixels, stretch.py maps values
place.py          the place of a scene, as far as it is known
georeference.py   the place of a raster
parts.py          the other files of a scene; times.py its acquisition time
files.py          finding files, and the id of their content; inputs.py also by STAC (stac.py)
exposure.py       tiles that show nothing; thumbnails.py small pictures of tiles
damage.py         damage in JPEG and PNG that OpenCV does not report
tiff_directory.py the first directory of a TIFF; turned.py turns images
jp2_header.py     the colour space of a JPEG 2000 file
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

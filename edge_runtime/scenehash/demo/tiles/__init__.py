"""Real aerial tiles that come with the package: 12 kinds, 7 each; SOURCE.md names their source.

The first tile of each kind is a query; the others are an archive.
"""

from pathlib import Path

from scenehash.scenes import read_image
from scenehash.tiles import Image

FOLDER = Path(__file__).parent
KINDS = (
    "agricultural",
    "airplane",
    "baseballdiamond",
    "beach",
    "denseresidential",
    "forest",
    "freeway",
    "harbor",
    "parkinglot",
    "river",
    "runway",
    "storagetanks",
)
TILES_PER_KIND = 7


def tile_paths(kind: str) -> list[Path]:
    """Paths of the JPEG files of a kind, in the order of their names.

    Raises ValueError on a kind that is not in KINDS.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}; known are {', '.join(KINDS)}")
    return sorted((FOLDER / kind).glob("*.jpg"))


def demo_tiles(kind: str) -> list[Image]:
    """Pixels of the tiles of a kind, each uint8 RGB [256, 256, 3], in the order of tile_paths."""
    return [read_image(path) for path in tile_paths(kind)]


def query_path(kind: str) -> Path:
    """Path of the query tile of a kind."""
    return tile_paths(kind)[0]


def archive_paths(kind: str) -> list[Path]:
    """Paths of the archive tiles of a kind."""
    return tile_paths(kind)[1:]

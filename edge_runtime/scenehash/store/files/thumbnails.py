"""thumbnails.sqlite: small pictures of a store's tiles, for use without their scenes."""

from .tile_file import TileFile

THUMBNAILS = "thumbnails.sqlite"


class Thumbnails(TileFile):
    """The thumbnails of a store's tiles, as JPEG files in memory; see TileFile."""

    NAME, TABLE, COLUMN = THUMBNAILS, "thumbnail", "jpeg"
    REMEDY = "scenehash store thumbnails"

    @property
    def kept(self) -> bool:
        """Whether the store keeps thumbnails of new scenes."""
        return self._catalog.keeps_thumbnails()

"""A recipe: the settings that determine the codes of an archive besides its scenes."""

import json
from dataclasses import dataclass, replace
from typing import Any

from scenehash.codes import check_width, default_width
from scenehash.columns import TileTable
from scenehash.geo import Box
from scenehash.ingestion import IngestOptions
from scenehash.ingestion.upkeep import space_of
from scenehash.model.hash_model import HashModel
from scenehash.scenes import content_id

# The format of parts, which is in their names.
FORMAT = 1


@dataclass(frozen=True)
class Recipe:
    """The model, the code width, and the reading and cutting of scenes.

    model: its name, for people. frame, dims: of the representations to keep; None, 0: none.
    options: tiling, decode parameters, labels and thumbnails; other options do not count.
    """

    lineage: str
    model: str
    bits: int
    tile_size: int
    frame: str | None
    dims: int
    options: IngestOptions

    @classmethod
    def of(cls, model: HashModel, options: IngestOptions) -> "Recipe":
        """The recipe of a model and of options; ConfigurationError when they do not fit."""
        widths, space = model.widths, space_of(model, options.vectors)
        bits = default_width(widths) if options.bits is None else check_width(options.bits, widths)
        is_kept = space is not None and options.vectors is not False
        own = replace(options, params=options.params.over(model.card.decode_params), threads=1)
        return cls(
            model.lineage,
            model.name,
            bits,
            model.tile_size,
            space.frame if space is not None and is_kept else None,
            space.dims if space is not None and is_kept else 0,
            own,
        )

    def document(self) -> dict[str, Any]:
        """The recipe as plain values for JSON."""
        tiling, params = self.options.tiling, self.options.params
        return {
            "format": FORMAT,
            "lineage": self.lineage,
            "model": self.model,
            "bits": self.bits,
            "tile_size": self.tile_size,
            "frame": self.frame,
            "dims": self.dims,
            "tiling": vars(tiling),
            "params": vars(params)
            | {"stretch": None if params.stretch is None else list(params.stretch)},
            "labels": sorted(set(self.options.labels)),
            "label_from_folder": self.options.label_from_folder,
            "thumbnails": self.options.thumbnails,
        }

    def name(self, scene: str, content: str, box: Box | None) -> str:
        """The name of a scene's parts, which changes with their content.

        box: of its STAC item.
        """
        words = [self.document(), scene, content, box]
        return content_id(json.dumps(words, sort_keys=True).encode())

    def table(self) -> TileTable:
        """The columns of its parts."""
        return TileTable(
            self.lineage,
            self.bits,
            self.model,
            with_reading=True,
            frame=self.frame,
            dims=self.dims,
            with_thumbnails=self.options.thumbnails,
        )

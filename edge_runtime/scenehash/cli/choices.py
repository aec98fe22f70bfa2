"""Groups of options that several commands share, and their conversion to objects of the library.

A command has a group as a parameter. Each field of the group is an option; see register.py.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scenehash.decode_params import DecodeParams
from scenehash.tiling import Tiling

from .console import UsageError, notice
from .options import (
    CORES,
    STORE_VARIABLE,
    AreaOption,
    AssetKey,
    AssetRoots,
    BandChoice,
    BoundingBox,
    KeepThumbnails,
    KeepVectors,
    Label,
    LabelFromFolder,
    LabelOption,
    MinValid,
    NearOption,
    NewerThan,
    NodataValue,
    Overlap,
    PartOfScene,
    PlaceInScene,
    SceneOption,
    Since,
    StationOption,
    StoreArgument,
    StoreOption,
    StretchRange,
    Threads,
    TileSize,
    Until,
    Wait,
    Whole,
)

if TYPE_CHECKING:
    from scenehash.ingestion import IngestOptions
    from scenehash.retrieval.crop import Crop
    from scenehash.store import Filter


def is_from_variable(store: Path) -> bool:
    """Whether SCENEHASH_STORE, not the command line, may have named the store."""
    return os.environ.get(STORE_VARIABLE) == str(store)


@dataclass(frozen=True)
class StoreChoice:
    """The store of a command: the first argument, or --store."""

    store: StoreArgument = None
    option: StoreOption = None

    def folder(self) -> Path:
        """The store's folder; both ways go before SCENEHASH_STORE. Raises UsageError."""
        argument, option = self.store, self.option
        if option is not None and argument not in (None, option) and not is_from_variable(option):
            raise UsageError(f"which store? {argument} and --store {option} differ; give one")
        folder = argument or option
        if folder is None:
            raise UsageError(f"which store? Give STORE, or --store FOLDER, or set {STORE_VARIABLE}")
        return folder


@dataclass(frozen=True)
class DecodeChoice:
    """How files become pixels."""

    bands: BandChoice = None
    nodata: NodataValue = None
    stretch: StretchRange = None

    def params(self) -> DecodeParams:
        """Raises ConfigurationError."""
        return DecodeParams(self.bands, self.nodata, self.stretch)


@dataclass(frozen=True)
class TileChoice:
    """How large a tile is."""

    tile: TileSize = None
    whole: Whole = Tiling.whole

    def tiling(self) -> Tiling:
        """Raises ConfigurationError."""
        return Tiling.of_text(self.tile, whole=self.whole)


@dataclass(frozen=True)
class TilingChoice(TileChoice):
    """How a scene is cut into tiles, and which tiles are left out."""

    overlap: Overlap = Tiling.overlap
    min_valid: MinValid = Tiling.min_valid

    def tiling(self) -> Tiling:
        """Raises ConfigurationError."""
        return replace(super().tiling(), overlap=self.overlap, min_valid=self.min_valid)


@dataclass(frozen=True)
class CropChoice(DecodeChoice, TileChoice):
    """The part of a query scene that is the query, and how it is read."""

    window: PartOfScene = None
    at: PlaceInScene = None

    def crop(self, queries: Sequence[str]) -> "Crop":
        """How to read and cut the scene files among queries.

        A stored tile or a code needs no crop. Raises UsageError if options are given and no query
        is a scene file, and ConfigurationError.
        """
        from scenehash.retrieval.crop import Crop
        from scenehash.retrieval.query import is_scene_file

        asked = {name: value for name, value in vars(self).items() if value is not None}
        given = [f"--{name}" for name, value in asked.items() if value is not False]
        if given and not any(is_scene_file(query) for query in queries):
            raise UsageError(
                f"{', '.join(given)}: {' and '.join(queries)} is not a scene file, and cannot be "
                "cropped; leave the option out, or give a file"
            )
        return Crop(self.window, self.at, self.params(), self.tiling())


@dataclass(frozen=True)
class HashChoice(DecodeChoice, TilingChoice):
    """How scenes are read, cut and labelled, and what is stored besides codes."""

    label: Label = None
    label_from_folder: LabelFromFolder = False
    thumbnails: KeepThumbnails = False
    vectors: KeepVectors = None
    asset: AssetKey = None
    assets_from: AssetRoots = None

    def options(self, bits: int | None = None) -> "IngestOptions":
        """bits: the code width of a new store. Raises ConfigurationError."""
        from scenehash.ingestion import IngestOptions
        from scenehash.scenes.stac import StacOptions

        return IngestOptions(
            self.tiling(),
            self.params(),
            tuple(self.label or ()),
            self.label_from_folder,
            thumbnails=self.thumbnails,
            bits=bits,
            vectors=self.vectors,
            stac=StacOptions(self.asset, tuple(self.assets_from or ())),
        )


@dataclass(frozen=True)
class IngestChoice(HashChoice):
    """How scenes are read, cut, labelled and stored."""

    threads: Threads = CORES
    wait: Wait = False

    def options(self, bits: int | None = None) -> "IngestOptions":
        """As HashChoice.options, with the threads and the waiting."""
        return replace(super().options(bits), threads=self.threads, wait=self.wait)


@dataclass(frozen=True)
class FilterChoice:
    """A filter of stored tiles or scenes."""

    scene: SceneOption = None
    label: LabelOption = None
    since: Since = None
    until: Until = None
    bbox: BoundingBox = None
    near: NearOption = None
    area: AreaOption = None
    newer_than: NewerThan = None

    def filter(self) -> "Filter":
        """The filter; without any option it matches all tiles."""
        from scenehash.store import Area, Filter

        if self.since and self.until and self.since > self.until:
            raise UsageError("--since is after --until: no scene can match; swap the two times")
        if self.bbox is not None and 0 < self.bbox[0] - self.bbox[2] < 180:
            west, _, east, _ = self.bbox
            notice(
                f"note: --bbox: W {west:g} is east of E {east:g}: the box crosses the antimeridian "
                "and goes around most of the Earth"
            )
        return Filter(
            self.scene,
            self.newer_than,
            self.since,
            self.until,
            self.bbox,
            self.label,
            self.near,
            None if self.area is None else Area.from_file(self.area),
        )


@dataclass(frozen=True)
class StationFilterChoice(FilterChoice):
    """A filter of stored tiles, for stores and engines with tiles of several stations."""

    station: StationOption = None

    def filter(self) -> "Filter":
        """The filter; without any option it matches all tiles."""
        return replace(super().filter(), station=self.station)

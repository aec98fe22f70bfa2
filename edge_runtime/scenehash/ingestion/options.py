"""How scenes are ingested."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from scenehash.decode_params import DecodeParams
from scenehash.files import path_text
from scenehash.scenes.stac import StacOptions
from scenehash.store import check_labels, label_of_folder
from scenehash.tiling import Tiling

CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class IngestOptions:
    """How scenes are read, cut and stored.

    params: how files become pixels, in place of the values in the model's card. labels: labels of
    the scenes; ConfigurationError on an empty label. label_from_folder: the name of a file's folder
    is a label, too. threads: the number of batches that are hashed at the same time, each on as
    many threads as the model was loaded with. With one thread each, no thread waits for the others
    at each layer. thumbnails: keep a small picture of each tile from now on. vectors: keep the
    representation of each tile from now on; False: keep none in this ingest; None: a new store
    keeps them if the model gives them, an existing store does as before. stac: which assets of STAC
    items are scenes.

    For a store that is opened by its path: bits, the code width of a new store, None for all bits
    of the model; wait, wait while another process writes to the store.
    """

    tiling: Tiling = field(default_factory=Tiling)
    params: DecodeParams = field(default_factory=DecodeParams)
    labels: tuple[str, ...] = ()
    label_from_folder: bool = False
    threads: int = CORES
    thumbnails: bool = False
    bits: int | None = None
    wait: bool = False
    vectors: bool | None = None
    stac: StacOptions = field(default_factory=StacOptions)

    def __post_init__(self) -> None:
        check_labels([path_text(label) for label in self.labels])

    def labels_of(self, path: Path) -> tuple[str, ...]:
        """The labels of the scene in a file."""
        labels = tuple(path_text(label) for label in self.labels)
        if not self.label_from_folder:
            return labels
        return (*labels, *map(path_text, label_of_folder(path)))

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

    params: how files become pixels, where that is not to be as the model's card says. labels: words
    to find them by, ConfigurationError on an empty one.
    label_from_folder: the name of a file's folder is one, too. threads: how many batches are hashed
    at the same time, each on as many threads as the model was loaded with. With one each, none
    waits for the others to have done its share of a layer. thumbnails: keep a small picture of each
    tile from now on. vectors: keep the representation of each tile from now on; False: of none that
    is ingested now; None: a new store keeps them where the model gives them, another as it did.
    stac: which assets of STAC items are scenes.

    Of a store that is opened by its path: bits, the width of the codes of a new one, all that the
    model has when None; wait, while another process writes to it.
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

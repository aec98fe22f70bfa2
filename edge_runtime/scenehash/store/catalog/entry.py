"""A scene's entry in the catalog, read and compared with its checksum."""

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import StoreDamagedError, StoreError

from ..records import SceneRecord, checksum
from ..rows import RowMap
from .blocks import blocks_of
from .catalog import Catalog


def read_scene(
    catalog: Catalog, codes: Codes, row_map: RowMap, scene: int
) -> tuple[SceneRecord, Codes]:
    """A scene by its number in the catalog: its record, and its codes uint8 [T, K/8].

    Raises StoreDamagedError, with the scene's path and the damage, unless all data of the scene is
    sound.
    """
    record = read_record(catalog, scene)
    first = int(row_map.positions(np.array([record.first_row]))[0])
    own = codes[first : first + record.tiles]
    if first < 0 or checksum(own) != record.codes_checksum:
        raise StoreDamagedError(
            f"{record.path}: its codes are damaged (rows from {record.first_row})"
        )
    return record, own


def read_record(catalog: Catalog, scene: int) -> SceneRecord:
    """A scene's record; StoreDamagedError as read_scene."""
    try:
        record, expected = catalog.scenes.record(scene)
    except StoreError as error:
        raise StoreDamagedError(
            f"{catalog.scenes.path_of(scene)}: its entry in the catalog is damaged"
        ) from error
    if record.checksum() != expected:
        raise StoreDamagedError(f"{record.path}: its entry in the catalog is damaged")
    return record


def check_derived(catalog: Catalog, scene: int, record: SceneRecord) -> None:
    """Raise StoreDamagedError unless the labels and places of a scene lead to it."""
    if catalog.scenes.labels_of(scene) != record.labels:
        raise StoreDamagedError(f"{record.path}: its labels in the catalog are damaged")
    if catalog.tiles.blocks(record) != list(blocks_of([record])):
        raise StoreDamagedError(f"{record.path}: its places in the catalog are damaged")

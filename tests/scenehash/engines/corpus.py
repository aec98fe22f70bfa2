"""Stations with scenes around the Earth, of few codes: many tiles are at one distance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from scenehash.codes import nearest_hamming
from scenehash.geo import bounding_boxes
from scenehash.store import CodeStore, Filter, HashedScene, Hit
from scenehash.store.records import Tile
from scenehash.tiling import Window

BITS, LINEAGE = 64, "0123456789abcdef"
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
LABELS = ("harbor", "forest", 'a "quoted\\ one"', "été")
# In another order than the numbers of these names, and than that of their making.
STATIONS = ("north", "east-2", "Süd", "west")


@dataclass(frozen=True)
class Corpus:
    """Stores by the names of their stations."""

    stores: dict[str, Path]

    def tiles(self, *stations: str) -> list[tuple[str, int, bytes, Tile]]:
        """Station, row, code and tile of all tiles, by station and row."""
        found = []
        for station in sorted(stations or self.stores):
            with CodeStore.open(self.stores[station]) as store:
                for rows, codes in store.living():
                    tiles = store.tiles(rows.tolist())
                    for row, code in zip(rows.tolist(), codes, strict=True):
                        found.append((station, row, code.tobytes(), tiles[row]))
        return found


def make_corpus(folder: Path) -> Corpus:
    stores = {}
    for number, station in enumerate(STATIONS):
        stores[station] = folder / f"{number}.store"
        with CodeStore.create(stores[station], LINEAGE, BITS, "test") as store:
            store.name_station(station)
            store.add(make_scenes(number, 12))
            store.delete(Filter(scene=f"/data/{number}/scene3.tif"))
    return Corpus(stores)


def make_scenes(seed: int, count: int, tiles: int = 9) -> list[HashedScene]:
    rng = np.random.default_rng(seed)
    few = np.random.default_rng(99).integers(0, 256, (6, BITS // 8)).astype(np.uint8)
    scenes = []
    for number in range(count):
        many = int(rng.integers(1, tiles))
        codes = few[rng.integers(0, len(few), many)].copy()
        codes[rng.random(many) < 0.5, 0] ^= 1
        scenes.append(
            HashedScene(
                rng.bytes(16).hex(),
                f"/data/{seed}/scene{number}.tif",
                [Window(256 * at, 0, 256, 256) for at in range(many)],
                codes,
                None if number % 5 == 4 else FIRST + timedelta(days=float(rng.uniform(0, 30))),
                None if number % 4 == 3 else _footprints(rng, many),
                [LABELS[at] for at in np.flatnonzero(rng.random(len(LABELS)) < 0.4)],
                {"bands": [4, 3, 2], "stretch": [1.5, float(number)]},
            )
        )
    return scenes


def _footprints(rng, many: int):
    """Squares of a degree; a third of them lie across the antimeridian."""
    west = rng.uniform(-180, 180, many)
    west[rng.random(many) < 0.3] = 179.5
    south = rng.uniform(-85, 84, many)
    corners = np.stack([west, west + 1, west + 1, west], axis=1)
    corners = np.where(corners > 180, corners - 360, corners)
    heights = np.stack([south + 1, south + 1, south, south], axis=1)
    return np.stack([corners, heights], axis=2)


def plain_search(
    tiles: Sequence[tuple[str, int, bytes, Tile]],
    codes,
    k: int,
    radius: int | None = None,
    where: Filter | None = None,
    unlike=None,
) -> list[tuple[int, str, int]]:
    """Distance, station and row of the nearest, by a loop over all tiles."""
    found = []
    for station, row, code, tile in tiles:
        own = np.frombuffer(code, np.uint8)[None]
        distance = int(nearest_hamming(own, codes)[0])
        if unlike is not None and int(nearest_hamming(own, unlike)[0]) <= distance:
            continue
        if (radius is None or distance <= radius) and meets(where, station, row, tile):
            found.append((distance, station, row))
    return sorted(found)[:k]


def meets(where: Filter | None, station: str, row: int, tile: Tile) -> bool:
    """Whether a tile meets a filter, condition by condition."""
    if where is None:
        return True
    if where.station not in (None, station) or where.scene not in (None, tile.scene):
        return False
    if tile.scene in (where.other_than or ()):
        return False
    if where.newer_than is not None and row <= where.newer_than:
        return False
    if where.label is not None and where.label not in tile.labels:
        return False
    if where.since is not None and (tile.time is None or tile.time < where.since):
        return False
    if where.until is not None and (tile.time is None or tile.time > where.until):
        return False
    if not where.on_places:
        return True
    if tile.footprint is None:
        return False
    return bool(where.there(bounding_boxes(np.array([tile.footprint])))[0])


def triples(hits: Sequence[Hit]) -> list[tuple[int, str, int]]:
    return [(hit.distance, str(hit.station), hit.row) for hit in hits]

"""What does a thin link carry, how soon are alerts on the ground, and does everything arrive?

python benchmarks/link.py month [--days 30] [--tiles-a-day 1200] [--one-way]
python benchmarks/link.py query  # a query up and its hits down, of the demo's tiles
python benchmarks/link.py sizes  # bytes a tile, by the size of scenes and the way of compressing
python benchmarks/link.py hostile  # the time and the memory that bundles of ill will take

The month needs rsync, which it is compared with.

Three stations and a ground store for a simulated month. Each station meets its link four times a
day for 8 minutes at 9.6 kbit/s. Of bundles 5 % are lost, 5 % repeated, and those of a pass come in
any order. Twice a day processes are killed as they pack and apply. One station's clock is a year
wrong. Receipts go down once a pass, as easily lost; with --one-way there are none, and everything
goes three times. Scenes are deleted, labelled and moved, and stores compacted. At the end the
ground store is compared with scenehash store merge of the three, and each day's bytes with those
that rsync takes for a copy of one station's store.

Codes are random, which is the worst case; scenes are grids in UTM of 1, 16, 100 and 400 tiles.
"""

import argparse
import json
import lzma
import random
import re
import subprocess
import sys
import tempfile
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import numpy as np
from rasterio import Affine
from rasterio.crs import CRS

sys.path.insert(0, str(Path(__file__).parents[1]))

import scenehash
from scenehash import CodeStore, IngestOptions
from scenehash.codes import Codes
from scenehash.demo.tiles import KINDS, archive_paths
from scenehash.geo import on_footprint_steps
from scenehash.link import (
    AskOptions,
    Bundled,
    PackOptions,
    answer_peer,
    apply_bundles,
    ask_peer,
    link_status,
    pack_bundle,
)
from scenehash.link.bundle import bundle_bytes, head_bytes, read_bundle
from scenehash.scenes.georeference import AffineMapping, Georeference
from scenehash.store import Alert, HashedScene, SceneRecord
from scenehash.tiling import Tiling
from scenehash.watcher.events import scene_events
from scenehash.watcher.matching import match_scene
from tests.kills import run_killed

LINEAGE, BITS = "a" * 16, 64
SIDES, SHARES = (1, 4, 10, 20), (0.4, 0.3, 0.2, 0.1)
PASS_HOURS, PASS_SECONDS, BITS_A_SECOND = 6, 480, 9600
BUNDLE_BYTES, RECEIPT_BYTES = 64_000, 4_000
LOST, REPEATED = 0.05, 0.05
KILLS_A_DAY = 2
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
RSYNC = ("rsync", "-az", "--no-whole-file", "--delete", "--stats")
NOTHING_TOLD = PackOptions()


def main() -> None:
    """Run what is asked for, and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("month", "query", "sizes", "hostile"))
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--tiles-a-day", type=int, default=1200)
    parser.add_argument("--one-way", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scenehash-link-") as name:
        folder = Path(name)
        if arguments.what == "month":
            result: object = Month(folder, arguments).run()
        elif arguments.what == "query":
            result = query(folder)
        else:
            result = sizes(folder) if arguments.what == "sizes" else hostile(folder)
        print(json.dumps(result, indent=1))


def query(folder: Path) -> list[dict[str, object]]:
    """A query for 20 tiles: of scenes with footprints; and of the demo's tiles, with thumbnails."""
    placed, ground = folder / "placed", folder / "placed-ground"
    month = Month(folder, argparse.Namespace(days=0, tiles_a_day=0, one_way=False, seed=1))
    for path, name in ((placed, "north"), (ground, "ground")):
        with CodeStore.create(path, LINEAGE, BITS, "a-model") as store:
            store.name_station(name)
            if path == placed:
                store.add([month.scene(10) for _ in range(30)])
    found = [asked_once(folder, ground, placed, month.quay[0].tobytes(), False)]
    tiles = [path for kind in KINDS for path in archive_paths(kind)]
    station, ground = folder / "station", folder / "ground"
    scenehash.ingest(tiles, station, options=IngestOptions(thumbnails=True))
    with CodeStore.open(station, writable=True) as store:
        store.name_station("north")
        (code,) = store.codes(np.array([3])).tolist()
        with CodeStore.create(ground, store.lineage, store.bits, store.model) as other:
            other.name_station("ground")
    code = np.array(code, np.uint8).tobytes()
    return found + [asked_once(folder, ground, station, code, one) for one in (False, True)]


def asked_once(
    folder: Path, ground: Path, station: Path, code: bytes, thumbnails: bool
) -> dict[str, object]:
    """What one query costs, and its answer."""
    options = AskOptions(k=20, thumbnails=thumbnails)
    asked = ask_peer(ground, "north", [f"code:{code.hex()}"], (), folder, options)
    began = time.perf_counter()
    _, (answer,) = answer_peer([asked.path], station, folder)
    seconds = time.perf_counter() - began
    (applied,) = apply_bundles([answer.path], ground)
    hits = applied.answers[0]["hits"]
    return {
        "hits": len(hits),
        "with_footprints": sum(hit["footprint"] is not None for hit in hits),
        "thumbnails": applied.thumbnails,
        "bytes_up": asked.bytes,
        "bytes_down": answer.bytes,
        "of_that": answer.block_bytes,
        "seconds_to_answer": round(seconds, 3),
    }


def sizes(folder: Path) -> list[dict[str, object]]:
    """Bytes a tile of scenes of a size, by column, and of the same block by LZMA."""
    found = []
    for side in (1, 4, 10, 20, 43):
        arguments = argparse.Namespace(days=0, tiles_a_day=0, one_way=False, seed=1)
        month = Month(folder, arguments)
        path = folder / f"side-{side}"
        with CodeStore.create(path, LINEAGE, BITS, "a-model") as store:
            store.name_station("north")
            while store.rows < 2000:
                store.add([month.scene(side)])
        packed = pack_bundle(path, "ground", folder)
        blocks = [block.data for _, block in read_bundle(Path(packed.path)).blocks]
        tiles = [data for data in blocks[1:] if data]
        found.append(
            {
                "tiles_a_scene": side * side,
                "bytes_a_tile": round(packed.bytes / packed.tiles, 2),
                "columns": {
                    name: round(size / packed.tiles, 2) for name, size in packed.columns.items()
                },
                "by_zlib": round(
                    sum(len(zlib.compress(one, 9)) for one in tiles) / packed.tiles, 2
                ),
                "by_lzma": round(
                    sum(len(lzma.compress(one, preset=9)) for one in tiles) / packed.tiles, 2
                ),
            }
        )
    return found


def hostile(folder: Path) -> list[dict[str, object]]:
    """Bundles that claim more than there is, each applied: seconds, and the most memory taken."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.scenehash.link.hostile import HOSTILE

    ground = folder / "ground"
    with CodeStore.create(ground, LINEAGE, BITS, "a-model") as store:
        store.name_station("ground")
    found = []
    for name, block in HOSTILE.items():
        blocks = [block]
        path = folder / "bundle"
        path.write_bytes(bundle_bytes(head_bytes("ab" * 16, "one", "ground", 1, blocks), blocks))
        apply_bundles([path], ground)  # what is loaded once does not count
        # The least of some: what a busy machine adds is not the bundle's.
        seconds = 1e9
        for _ in range(5):
            began = time.perf_counter()
            (applied,) = apply_bundles([path], ground)
            seconds = min(seconds, time.perf_counter() - began)
        tracemalloc.start()
        apply_bundles([path], ground)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        found.append(
            {
                "what": name,
                "milliseconds": round(1000 * seconds, 1),
                "megabytes": round(most / 1e6, 2),
                "reason": applied.set_aside[0].partition(": ")[2],
            }
        )
    return found


class Month:
    """Three stations, a ground store, and what goes between them."""

    def __init__(self, folder: Path, arguments: argparse.Namespace) -> None:
        self.folder, self.days = folder, arguments.days
        self.tiles_a_day, self.one_way = arguments.tiles_a_day, arguments.one_way
        self.chance = random.Random(arguments.seed)
        self.noise = np.random.default_rng(arguments.seed)
        self.ground, self.names = folder / "ground", ("north", "south", "west")
        self.quay = self.noise.integers(0, 256, (1, BITS // 8), np.uint8)
        self.born: dict[tuple[str, int], float] = {}
        self.landed: dict[tuple[str, int], float] = {}
        self.seen_events, self.scenes, self.kills = 0, 0, 0
        self.bytes_up, self.bytes_down, self.bundles, self.lost = 0, 0, 0, 0
        self.of_blocks: dict[str, int] = {}
        self.of_columns: dict[str, int] = {}
        self.carried = {"tiles": 0, "events": 0}
        self.copied = 0
        self.annotated = 0

    def run(self) -> dict[str, object]:
        """The whole month, and what was found."""
        for name in self.names:
            with CodeStore.create(self.folder / name, LINEAGE, BITS, "a-model") as store:
                store.name_station(name)
                store.alerts.add(Alert("quay", 8, self.quay, self.quay[:0], ("code",)))
        kills = sorted(
            self.chance.sample(range(self.days * 4 * len(self.names)), KILLS_A_DAY * self.days)
        )
        number = 0
        for day in range(self.days):
            for quarter in range(24 // PASS_HOURS):
                hour = 24 * day + PASS_HOURS * quarter
                for name in self.names:
                    self.arrive(name, hour)
                    self.link(name, hour + PASS_HOURS, number in kills)
                    number += 1
            self.copied += self.copy(self.folder / self.names[0])
        hour = 24 * self.days
        while not self.is_complete() and hour < 24 * self.days + 24 * 30:
            hour += PASS_HOURS
            for name in self.names:
                self.link(name, hour, False, self.gaps(name) if self.one_way else NOTHING_TOLD)
        return self.result(hour - 24 * self.days)

    def arrive(self, name: str, hour: int) -> None:
        """Scenes of some hours, with their events; now and then one is deleted."""
        store = CodeStore.open(self.folder / name, writable=True)
        with store:
            left = self.tiles_a_day * PASS_HOURS // 24
            while left > 0:
                at = hour + PASS_HOURS * self.chance.random()
                scene = self.scene()
                left -= len(scene.codes)
                matches = match_scene(scene, store, store.alerts.list(), 3)
                with store.transaction():
                    wrong = timedelta(days=365) if name == "west" else timedelta()
                    told = BEGIN + timedelta(hours=at) + wrong
                    events = scene_events(scene, store.rows, matches, "scene", told)
                    store.add([scene])
                    store.outbox.note(events)
                if any(match.alerts for match in matches):
                    self.born[name, store.outbox.newest()] = at
            if self.chance.random() < 0.2 and len(store):
                victim = self.chance.choice(store.contents())
                store.remove_scenes([victim])
            if self.chance.random() < 0.3 and len(store):
                content, path = self.chance.choice(store.contents()), None
                if self.chance.random() < 0.3:
                    path = f"/srv/kept/{self.annotated}.tif"
                store.update_scene(content, path, ["flood"], without=["sentinel2"])
                self.annotated += 1
            if self.chance.random() < 0.05:
                store.compact()

    def scene(self, side: int | None = None) -> HashedScene:
        """A scene of a square of tiles, so many a side or as many as comes, in a UTM zone.

        One in 20 has tiles of the alert, one in 50 is one that another station has, too.
        """
        self.scenes += 1
        number = self.chance.randrange(self.scenes) if self.chance.random() < 0.02 else self.scenes
        own = np.random.default_rng(number)
        drawn = int(own.choice(SIDES, p=SHARES))
        side = side or drawn
        east, north = own.integers(200_000, 700_000), own.integers(1_000_000, 7_000_000)
        pixels = 256 * side
        transform = Affine(10, 0, int(east), 0, -10, int(north))
        windows = Tiling(pixels=256).windows(pixels, pixels, (256, 256))
        place = Georeference(AffineMapping(transform), CRS.from_epsg(32632), pixels)
        codes = own.integers(0, 256, (len(windows), BITS // 8), np.uint8)
        if own.random() < 0.05:
            codes[0] = self.quay[0] ^ np.uint8(1)
        return HashedScene(
            blake2b(number.to_bytes(8), digest_size=16).hexdigest(),
            f"/srv/incoming/T32/scene_{number:08}_10m.tif",
            windows,
            codes,
            BEGIN + timedelta(seconds=int(own.integers(0, 30 * 86400))),
            on_footprint_steps(np.asarray(place.footprints(windows))),
            ("sentinel2",),
            {"bands": [4, 3, 2], "stretch": [[0, 3000]] * 3, "tile": 256},
        )

    def gaps(self, name: str) -> PackOptions:
        """What link status at the ground lists, which somebody tells the station."""
        for one in link_status(self.ground)["received"]:
            if one["station"] == name:
                rows = one["missing"] + one["waiting"] + one["differing"]
                spans = tuple(map(tuple, rows)), tuple(map(tuple, one["events_missing"]))
                return PackOptions(again=spans[0], again_events=spans[1])
        return PackOptions()

    def link(
        self, name: str, hour: float, is_killed: bool, told: PackOptions = NOTHING_TOLD
    ) -> None:
        """One pass: bundles up, and a receipt down."""
        room = PASS_SECONDS * BITS_A_SECOND // 8
        arrived: list[tuple[Path, float]] = []
        spent = 0
        if is_killed:
            self.killed(lambda: self.pack(name, PackOptions(room)))
        while room - spent >= 2000:
            most = min(BUNDLE_BYTES, room - spent)
            packed = self.pack(name, replace(told, max_bytes=most))
            told = NOTHING_TOLD
            if not (packed.tiles or packed.events or packed.deleted) and spent:
                break
            spent += packed.bytes
            at = hour + spent * 8 / BITS_A_SECOND / 3600
            self.count(packed)
            if self.chance.random() < LOST:
                self.lost += 1
            else:
                arrived += [(Path(packed.path), at)] * (1 + (self.chance.random() < REPEATED))
        self.chance.shuffle(arrived)
        if is_killed:
            self.killed(lambda: apply_bundles([path for path, _ in arrived], self.ground))
        for path, at in arrived:
            (applied,) = apply_bundles([path], self.ground)
            assert not applied.set_aside, applied
            self.note_landed(at)
        for path in (self.folder / f"{name}-up").glob("*"):
            path.unlink()
        if not self.one_way and self.ground.exists():
            down = pack_bundle(
                self.ground, name, self.folder, PackOptions(RECEIPT_BYTES, down=True)
            )
            self.bytes_down += down.bytes
            if self.chance.random() >= LOST:
                apply_bundles([down.path], self.folder / name)
            Path(down.path).unlink()

    def pack(self, name: str, options: PackOptions) -> Bundled:
        """A bundle of a station."""
        out = self.folder / f"{name}-up"
        out.mkdir(exist_ok=True)
        return pack_bundle(self.folder / name, "ground", out, options)

    def count(self, packed: Bundled) -> None:
        """What a bundle costs."""
        self.bundles += 1
        self.bytes_up += packed.bytes
        self.carried["tiles"] += packed.tiles
        self.carried["events"] += packed.events
        for total, own in ((self.of_blocks, packed.block_bytes), (self.of_columns, packed.columns)):
            for name, size in own.items():
                total[name] = total.get(name, 0) + size

    def killed(self, work: Callable[[], object]) -> None:
        """Do some work in a process that is killed at a random instant."""
        self.kills += 1
        run_killed(work, self.chance.uniform(0, 0.4))

    def note_landed(self, hour: float) -> None:
        """Which events of alerts are new on the ground."""
        with CodeStore.open(self.ground) as store:
            for number, body in store.outbox.events(self.seen_events, 10_000):
                event = json.loads(body)
                if event["alerts"]:
                    self.landed.setdefault((event["station"], event["station_event"]), hour)
                self.seen_events = number

    def is_complete(self) -> bool:
        """Whether the ground store says that it has everything."""
        told = {one["station"]: one for one in link_status(self.ground)["received"]}
        for name in self.names:
            with CodeStore.open(self.folder / name) as store:
                if name not in told or not told[name]["complete"]:
                    return False
                if told[name]["rows"] != store.rows:
                    return False
        return True

    def copy(self, path: Path) -> int:
        """The bytes that rsync sends both ways to bring a copy of a store up to date."""
        mirror = self.folder / "mirror"
        said = subprocess.run(
            [*RSYNC, f"{path}/", f"{mirror}/"], capture_output=True, text=True, check=True
        ).stdout
        totals = re.findall(r"Total bytes (?:sent|received): ([0-9,]+)", said)
        return sum(int(total.replace(",", "")) for total in totals)

    def result(self, hours: float) -> dict[str, object]:
        """What was found, and whether the ground store equals the merge."""
        waits = sorted(self.landed[key] - self.born[key] for key in self.born if key in self.landed)
        tiles = events = first = 0
        for name in self.names:
            with CodeStore.open(self.folder / name) as store:
                tiles += store.rows
                events += store.outbox.newest()
                first = first or store.rows
        return {
            "days": self.days,
            "stations": len(self.names),
            "one_way": self.one_way,
            "scenes": self.scenes,
            "tiles": tiles,
            "events": events,
            "bundles": self.bundles,
            "lost": self.lost,
            "kills": self.kills,
            "annotations_changed": self.annotated,
            "equal_to_merge": self.compare(),
            "hours_after_the_month": hours,
            "bytes_up": self.bytes_up,
            "bytes_down": self.bytes_down,
            "bytes_up_a_tile": round(self.bytes_up / tiles, 2),
            "block_bytes_a_tile": round(self.of_blocks["tiles"] / self.carried["tiles"], 2),
            "block_bytes_an_event": round(self.of_blocks["events"] / self.carried["events"], 1),
            "block_bytes": self.of_blocks,
            "columns_a_tile": {
                name: round(size / self.carried["tiles"], 2)
                for name, size in self.of_columns.items()
            },
            "alerts": len(self.born),
            "alerts_on_the_ground": len(waits),
            "alert_hours_p50": round(float(np.percentile(waits, 50)), 2),
            "alert_hours_p95": round(float(np.percentile(waits, 95)), 2),
            "beside_scenes_as_jpeg": round(_jpeg_bytes() * tiles),
            "beside_rsync_of_one_store_a_tile": round(self.copied / first, 1),
        }

    def compare(self) -> bool:
        """Whether the ground store has what scenehash store merge of the three has."""
        merged = CodeStore.create(self.folder / "merged", LINEAGE, BITS, "a-model")
        with merged, CodeStore.open(self.ground) as ground:
            paths: dict[str, set[str]] = {}
            for name in self.names:
                with CodeStore.open(self.folder / name) as store:
                    merged.merge(store)
                    known = {one.first_row: one for one in ground.links.scenes.of_store(store.uuid)}
                    if sorted(known) != [row for row, _, _ in store.scene_rows()]:
                        return False
                    for row, _, content in store.scene_rows():
                        if known[row].content != content:
                            return False
                    for record, _ in store.scenes():
                        paths.setdefault(record.content, set()).add(f"{name}:{record.path}")
            if sorted(ground.contents()) != sorted(merged.contents()):
                return False
            for record, codes in merged.scenes():
                found = ground.read_scene(record.content)
                if found is None or not _same(found, (record, codes)):
                    return False
                if found[0].path not in paths[record.content]:
                    return False
            return ground.verify() == [] and len(ground) == len(merged)


def _same(one: tuple[SceneRecord, Codes], other: tuple[SceneRecord, Codes]) -> bool:
    (left, codes), (right, others) = one, other
    return (
        np.array_equal(codes, others)
        and np.array_equal(left.windows, right.windows)
        and left.footprints.tobytes() == right.footprints.tobytes()
        and (left.time, left.labels) == (right.time, right.labels)
        and left.decode_params == right.decode_params
    )


def _jpeg_bytes() -> float:
    """The mean size of the demo's tiles of 256 x 256 pixels, as JPEG."""
    sizes = [path.stat().st_size for kind in KINDS for path in archive_paths(kind)]
    return sum(sizes) / len(sizes)


if __name__ == "__main__":
    main()

"""GeoParquet as others read it: by its specification, by DuckDB, and by GDAL where it can."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from scenehash.geo import bounding_boxes
from scenehash.report.geoparquet import write_geoparquet
from scenehash.report.hilbert import BEYOND, hilbert_keys
from scenehash.store import CodeStore, Filter, HashedScene, SearchRequest
from scenehash.tiling import Window

from ...absent import absent, package

SCENES, TILES = 60, 40


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> CodeStore:
    """Scenes all round the Earth; one lies across the antimeridian, one is nowhere."""
    rng = np.random.default_rng(5)
    ring = np.array([[0, 1], [1, 1], [1, 0], [0, 0]])
    few = rng.integers(0, 256, (9, 8)).astype(np.uint8)
    scenes = []
    for number in range(SCENES):
        corner = np.array([179.92, 10.0]) if number == 7 else rng.uniform([-170, -80], [170, 80])
        tiles = np.array([(x, y) for y in range(8) for x in range(5)])
        places = corner + 0.05 * (tiles[:, None] + ring)
        places[..., 0] = np.where(places[..., 0] > 180, places[..., 0] - 360, places[..., 0])
        scenes.append(
            HashedScene(
                rng.bytes(16).hex(),
                f"/scenes/{number}.tif",
                [Window(256 * int(x), 256 * int(y), 256, 256) for x, y in tiles],
                few[rng.integers(0, 9, TILES)],
                datetime(2026, 1, 1 + number % 28, tzinfo=UTC),
                None if number == 9 else places,
            )
        )
    store = CodeStore.create(tmp_path_factory.mktemp("s") / "s", "0" * 16, 64, "model")
    store.add(scenes)
    return store


@pytest.fixture(scope="module")
def file(store, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("out") / "tiles.parquet"
    assert write_geoparquet(store, path) == len(store) == SCENES * TILES
    return path


def test_the_footer_says_what_the_specifications_want(file):
    from pyarrow import parquet

    metadata = parquet.read_schema(file).metadata
    geo = json.loads(metadata[b"geo"])
    column = geo["columns"][geo["primary_column"]]
    assert (geo["version"], column["encoding"]) == ("1.1.0", "WKB")
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    assert column["bbox"][0] == -180.0  # a scene lies across the antimeridian
    assert json.loads(metadata[b"emb:dimensions"]) == 64
    assert json.loads(metadata[b"emb:type"]) == "chip"
    assert metadata[b"scenehash.lineage"] == b"0" * 16


def test_boxes_cover_footprints_and_these_are_cut_at_the_antimeridian(file, store):
    from pyarrow import parquet

    table = parquet.read_table(file).to_pylist()
    tiles = store.tiles([row["row"] for row in table])
    cut = 0
    for row in table:
        footprint = tiles[row["row"]].footprint
        if footprint is None:
            assert row["bbox"] is row["footprint"] is None
            continue
        west, south, east, north = bounding_boxes(np.array([footprint]))[0].tolist()
        crossing = west > east
        assert row["footprint"][1] == (6 if crossing else 3)
        cut += crossing
        wanted = (-180.0, 180.0) if crossing else (west, east)
        box = row["bbox"]
        assert (box["xmin"], box["xmax"]) == wanted
        assert (box["ymin"], box["ymax"]) == (south, north)
    assert cut == 8


def test_a_footprint_that_touches_the_antimeridian_lies_on_one_side_of_it(tmp_path):
    from pyarrow import parquet

    sides = [(179.0, -180.0), (180.0, -179.0), (-180.0, -179.0)]
    with CodeStore.create(tmp_path / "s", "0" * 16, 64, "model") as store:
        rings = [[(west, 1), (east, 1), (east, 0), (west, 0)] for west, east in sides]
        code, window = np.zeros((1, 8), np.uint8), [Window(0, 0, 256, 256)]
        store.add(
            [
                HashedScene(f"{at:032x}", f"/{at}.tif", window, code, None, np.array([ring], float))
                for at, ring in enumerate(rings)
            ]
        )
        write_geoparquet(store, tmp_path / "t.parquet")
    for row in parquet.read_table(tmp_path / "t.parquet").to_pylist():
        longitudes = set(np.frombuffer(row["footprint"], "<f8", 10, 13)[::2].tolist())
        assert longitudes == ({179, 180} if row["scene"] == "/0.tif" else {-180, -179})
        assert row["bbox"]["xmin"] <= min(longitudes)
        assert row["bbox"]["xmax"] >= max(longitudes)


def test_a_reader_skips_most_of_what_it_does_not_want(store, tmp_path, monkeypatch):
    from pyarrow import parquet

    monkeypatch.setattr("scenehash.report.geoparquet.TILES_A_GROUP", 2 * TILES)
    write_geoparquet(store, tmp_path / "t.parquet")
    metadata = parquet.read_metadata(tmp_path / "t.parquet")
    names = [metadata.row_group(0).column(at).path_in_schema for at in range(metadata.num_columns)]
    spans = []
    for group in range(metadata.num_row_groups):
        found = metadata.row_group(group).column(names.index("bbox.xmin")).statistics
        other = metadata.row_group(group).column(names.index("bbox.xmax")).statistics
        spans.append((found.min, other.max) if found is not None and found.has_min_max else None)
    meeting = [span for span in spans if span is not None and span[0] <= 1 and span[1] >= 0]
    assert metadata.num_row_groups == SCENES // 2
    assert len(meeting) < metadata.num_row_groups / 4


def test_duckdb_finds_our_hits_in_the_file(file, store):
    duckdb = package("duckdb")
    code = next(store.living())[1][3]
    query = f"""
        SELECT bit_count(xor(code::BIT, from_hex('{code.tobytes().hex()}')::BIT))
               AS distance, row
        FROM '{file}'
        WHERE bbox.xmin <= 60 AND bbox.xmax >= -60 AND bbox.ymin <= 40 AND bbox.ymax >= -40
        ORDER BY distance, row LIMIT 25
    """
    found = duckdb.sql(query).fetchall()
    ours, _ = store.search_any(SearchRequest(code[None], 60, where=Filter(bbox=(-60, -40, 60, 40))))
    across = [hit.row for hit in ours if hit.scene == "/scenes/7.tif"]
    assert not across
    found = [pair for pair in found if store.tile(pair[1]).scene != "/scenes/7.tif"]
    assert found == [(hit.distance, hit.row) for hit in ours][: len(found)]
    assert len(found) > 15


def test_keys_go_along_a_curve_that_does_not_jump():
    side = 64
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    last = (1 << 16) - 1
    step = 1 << 10
    longitudes = (x.ravel() * step + step / 2) / last * 360 - 180
    latitudes = (y.ravel() * step + step / 2) / last * 180 - 90
    order = np.argsort(hilbert_keys(longitudes, latitudes))
    steps = np.abs(np.diff(x.ravel()[order])) + np.abs(np.diff(y.ravel()[order]))
    assert (steps == 1).all()
    assert hilbert_keys(np.array([np.nan]), np.array([0.0])).tolist() == [BEYOND]


def test_gdal_reads_places_and_codes_and_finds_our_hits(file, store):
    """By its driver ADBC, with DuckDB's: GDAL's own driver of Parquet is in no wheel."""
    raw = package("pyogrio.raw")
    driver = package("_duckdb", reason="no DuckDB is installed").__file__
    where = Filter(bbox=(0.0, -80.0, 90.0, 40.0))
    meta, _, shapes, columns = raw.read(f"ADBC:{file}", ADBC_DRIVER=driver, bbox=where.bbox)
    fields = dict(zip(meta["fields"], columns, strict=True))
    request = SearchRequest(np.zeros((1, 8), np.uint8), len(store), where=where)
    hits = store.search_any(request)[0]
    codes = np.frombuffer(b"".join(fields["code"]), np.uint8).reshape(-1, 8)
    distances = np.bitwise_count(codes).sum(axis=1)
    found = sorted(zip(distances.tolist(), fields["row"].tolist(), strict=True))
    # Across the antimeridian a box has all longitudes, and GDAL asks the box.
    across = {hit.row for hit in hits if hit.scene == "/scenes/7.tif"}
    assert [own for own in found if own[1] not in across] == [
        (hit.distance, hit.row) for hit in hits if hit.row not in across
    ]
    assert 0 < len(found) < len(store)
    assert len(shapes) == len(found)


def test_a_validator_finds_no_fault(file):
    validator = Path(sys.executable).with_name("geoparquet-validator")
    if not validator.exists():
        absent("packages", "no geoparquet-validator is installed")
    done = subprocess.run([validator, "check", "--json", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert '"fail"' not in done.stdout.lower()
    damaged = file.with_name("damaged.parquet")
    damaged.write_bytes(file.read_bytes().replace(b'"encoding": "WKB"', b'"encoding": "XYZ"'))
    assert subprocess.run([validator, "check", damaged], capture_output=True).returncode != 0

"""What holds of whatever is searched: a store, Milvus Lite, a Milvus server, PostgreSQL."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from scenehash import HashModel, push, search
from scenehash.cli.main import build_app
from scenehash.cli.search import _hit_table
from scenehash.diagnose.engine_checks import check_engine
from scenehash.engines import EngineStore
from scenehash.engines.backend import Conditions
from scenehash.engines.postgres import conditions
from scenehash.engines.source import SceneRead, StoreSource
from scenehash.engines.tiles import tiles_of
from scenehash.errors import (
    ConfigurationError,
    EngineError,
    LineageError,
    NotStoredError,
    StoreError,
)
from scenehash.geo import Box, bounding_boxes, meeting
from scenehash.retrieval.query import Query
from scenehash.store import Area, CodeStore, Filter, HashedScene, Searchable, SearchRequest
from scenehash.tiling import Window

from .conftest import ENGINES, address_of
from .corpus import (
    BITS,
    FIRST,
    LABELS,
    LINEAGE,
    STATIONS,
    Corpus,
    make_scenes,
    plain_search,
    triples,
)

# Hypothesis asks each of many questions; a server takes its time for one.
QUESTIONS = settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@pytest.fixture(scope="module", params=["local", *ENGINES])
def searched(request, corpus: Corpus) -> Iterator[tuple[Searchable, list]]:
    """What is searched, and all tiles of it."""
    if request.param == "local":
        with CodeStore.open(corpus.stores["north"]) as store:
            yield store, corpus.tiles("north")
        return
    address = f"{address_of(request, request.param)}/suite"
    for folder in corpus.stores.values():
        push(folder, address)
    with EngineStore.open(address) as engine:
        yield engine, corpus.tiles()


@pytest.fixture(scope="module")
def model() -> HashModel:
    return HashModel.load()


@pytest.fixture
def collection(engine, request) -> str:
    """The address of a collection of a test's own."""
    return f"{engine}/{request.node.originalname[5:30]}"


times = st.floats(-3, 33).map(lambda days: FIRST + timedelta(days=days))
longitudes, latitudes = st.floats(-180, 180), st.tuples(st.floats(-90, 90), st.floats(-90, 90))
boxes = st.tuples(longitudes, latitudes, longitudes).map(
    lambda sides: (sides[0], min(sides[1]), sides[2], max(sides[1]))
)
areas = st.tuples(st.floats(-170, 160), st.floats(-80, 60)).map(
    lambda corner: Area.from_geojson(
        {
            "type": "Polygon",
            "coordinates": [
                [
                    [corner[0], corner[1]],
                    [corner[0] + 60, corner[1]],
                    [corner[0], corner[1] + 20],
                    [corner[0], corner[1]],
                ]
            ],
        }
    )
)


def maybe(strategy):
    return st.one_of(st.none(), st.none(), strategy)


SCENES = [f"/data/{seed}/scene{at}.tif" for seed in (0, 1) for at in (0, 2)]
filters = st.builds(
    Filter,
    scene=maybe(st.sampled_from(SCENES)),
    newer_than=maybe(st.integers(0, 40)),
    other_than=maybe(st.tuples(st.sampled_from(SCENES))),
    since=maybe(times),
    until=maybe(times),
    bbox=maybe(boxes),
    label=maybe(st.sampled_from(LABELS)),
    near=maybe(st.tuples(st.floats(-90, 90), longitudes, st.floats(10, 15_000))),
    area=maybe(areas),
    station=maybe(st.sampled_from(STATIONS)),
)
queries = st.lists(st.integers(0, 10_000), min_size=1, max_size=3)


def codes_of(tiles, numbers):
    """Codes of stored tiles, and of some that are not: one bit, or many, are turned."""
    codes = np.stack([np.frombuffer(tiles[at % len(tiles)][2], np.uint8) for at in numbers]).copy()
    for code, at in zip(codes, numbers, strict=True):
        code[at % 8] ^= np.uint8(at % 251)
    return codes


@given(queries, st.integers(1, 400), maybe(st.integers(0, BITS)), maybe(filters), maybe(queries))
@QUESTIONS
def test_hits_are_those_of_a_plain_loop(searched, numbers, k, radius, where, others):
    store, tiles = searched
    codes = codes_of(tiles, numbers)
    unlike = None if others is None else codes_of(tiles, [7 * at + 3 for at in others])
    hits, _ = store.search_any(SearchRequest(codes, k, radius, where, unlike))
    assert triples(hits) == plain_search(tiles, codes, k, radius, where, unlike)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_every_place_among_ties_is_the_same_as_in_a_plain_loop(searched):
    store, tiles = searched
    code = np.frombuffer(tiles[0][2], np.uint8)[None]
    for k in (*range(1, 14), len(tiles) - 1, len(tiles), len(tiles) + 1, 5 * len(tiles)):
        hits, _ = store.search_any(SearchRequest(code, k))
        assert triples(hits) == plain_search(tiles, code, k)


def test_a_hit_has_all_facts_of_its_tile(searched):
    store, tiles = searched
    facts = {(station, row): tile for station, row, _, tile in tiles}
    hits, _ = store.search_any(SearchRequest(codes_of(tiles, [1]), len(tiles)))
    assert len(hits) == len(tiles) == len(store)
    for hit in hits:
        tile = facts[str(hit.station), hit.row]
        assert (hit.scene, hit.window, hit.time) == (tile.scene, tile.window, tile.time)
        assert (hit.footprint, hit.labels) == (tile.footprint, tile.labels)
        assert hit.decode_params == tile.decode_params
    codes = {(station, row): code for station, row, code, _ in tiles}
    assert [code.tobytes() for code in store.codes_of(hits)] == [
        codes[str(hit.station), hit.row] for hit in hits
    ]


@given(queries, st.integers(0, BITS), maybe(st.sampled_from(LABELS)))
@settings(QUESTIONS, max_examples=10)
def test_a_count_within_a_radius_is_that_of_a_plain_loop(searched, numbers, radius, label):
    store, tiles = searched
    codes, where = codes_of(tiles, numbers), Filter(label=label)
    request = SearchRequest(codes, 1, radius, where)
    assert store.count_within(request) == len(plain_search(tiles, codes, 10_000, radius, where))


def test_a_stored_tile_is_a_query_and_finds_itself(searched):
    store, tiles = searched
    station, row, code, _ = tiles[-1]
    found = search(store, f"row:{station}/{row}", k=5, rerank="none")
    assert found.queries[0].codes.tobytes() == code
    assert found.hits[0].distance == 0
    with pytest.raises(StoreError):
        search(store, f"row:{station}/999999")


def test_tiles_at_a_place_are_those_of_a_plain_loop(searched):
    store, tiles = searched
    several = isinstance(store, EngineStore)
    placed = [own for own in tiles if own[3].footprint is not None]
    boxes = bounding_boxes(np.array([tile.footprint for *_, tile in placed]))
    for number in range(0, len(placed), 7):
        west, south, east, north = boxes[number]
        longitude = (west + (east - west) % 360 / 2 + 180) % 360 - 180
        point = Box(longitude, (south + north) / 2, longitude, (south + north) / 2)
        expected = [
            (station if several else None, row, tile)
            for (station, row, _, tile), there in zip(placed, meeting(boxes, point), strict=True)
            if there
        ]
        found = store.tiles_meeting(point)
        assert placed[number][3] in [tile for *_, tile in found]
        assert [tuple(own) for own in found] == expected
        query = Query.from_place(store, point.south, longitude)
        times = [-math.inf if tile.time is None else tile.time.timestamp() for *_, tile in found]
        newest = [own for own, time in zip(found, times, strict=True) if time == max(times)]
        assert (str(query.scene), query.row) in [(own.tile.scene, own.row) for own in newest]
    with pytest.raises(NotStoredError, match=r"shows 89\.9,0"):
        Query.from_place(store, 89.9, 0)


def test_names_are_resolved_and_what_nothing_can_meet_is_said(searched):
    store, tiles = searched
    code = f"code:{tiles[0][2].hex()}"
    found = search(store, code, where=Filter(scene="0/scene2.tif"), k=99)
    assert {hit.scene for hit in found.hits} == {"/data/0/scene2.tif"}
    for where in (
        Filter(label="nowhere"),
        Filter(scene="none.tif"),
        Filter(station="nobody"),
        Filter(since=FIRST + timedelta(days=99)),
    ):
        with pytest.raises(NotStoredError):
            search(store, code, where=where)


def test_a_filter_that_no_tile_meets_is_told_from_one_that_leaves_no_hit(searched):
    store, tiles = searched
    query = f"code:{tiles[0][2].hex()}"
    nobody = search(store, query, where=Filter(newer_than=10_000), rerank="none", radius=0)
    assert (nobody.meeting, nobody.hits) == (0, ())
    found = search(store, query, where=Filter(newer_than=0), rerank="none")
    assert found.hits
    assert found.meeting != 0


def test_codes_of_another_width_or_lineage_are_refused(searched):
    store, _ = searched
    with pytest.raises(ConfigurationError, match="64 bits"):
        search(store, "code:0f3a", k=1)
    with pytest.raises(LineageError, match="holds codes of 64 bits, not of 32; leave out --bits"):
        store.check(LINEAGE, 32)
    with pytest.raises(LineageError, match=r"64-bit codes .* not 64-bit codes of lineage fedcba98"):
        store.check("fedcba9876543210", BITS)
    store.check(LINEAGE, BITS)


def test_words_and_document_are_those_of_a_store(searched, corpus):
    store, tiles = searched
    code = f"code:{tiles[0][2].hex()}"
    found = search(store, code, k=8, radius=9, where=Filter(station="north"), rerank="none")
    with CodeStore.open(corpus.stores["north"]) as local:
        here = search(local, code, k=8, radius=9, rerank="none")
    assert [hit.document() for hit in found.hits] == [hit.document() for hit in here.hits]
    assert found.more_within_radius == here.more_within_radius
    assert set(found.document(explain=True)) == set(here.document(explain=True))
    assert "scan" in str(found.explanation) or "multi_index" in str(found.explanation)


def test_tiles_of_one_row_at_two_stations_are_two(searched, capsys):
    store, tiles = searched
    found = search(store, f"code:{tiles[0][2].hex()}", k=len(tiles), rerank="none")
    document: Any = found.document(group=True)
    names = [name for group in document["groups"] for name in group]
    assert len(names) == len(set(names)) == len(tiles)
    several = len({station for station, *_ in tiles}) > 1
    assert ("north/0" if several else 0) in names
    Console(width=200).print(_hit_table(found, False))
    assert len(capsys.readouterr().out.splitlines()) == len(tiles) + 1
    # Of hits of one station, too, a row alone names no tile of an engine.
    Console(width=200).print(_hit_table(replace(found, hits=found.hits[:1]), False))
    assert ("station" in capsys.readouterr().out) == several


def test_pushing_again_changes_nothing_and_changes_follow(collection, corpus, tmp_path):
    with CodeStore.create(tmp_path / "s", LINEAGE, BITS, "test") as store:
        store.name_station("north")
        with CodeStore.open(corpus.stores["north"]) as other:
            store.merge(other)
        first = push(store, collection)
        assert (first.tiles_pushed, first.scenes_pushed) == (len(store), 11)
        again = push(store, collection)
        assert (again.tiles_pushed, again.scenes_removed) == (0, 0)
        store.delete(Filter(scene="/data/0/scene1.tif"))
        store.label(Filter(scene="/data/0/scene2.tif"), ["new one"])
        changed = push(store, collection)
        assert (changed.scenes_pushed, changed.scenes_removed) == (1, 1)
        code = next(store.living())[1][:1]
        with EngineStore.open(collection) as engine:
            assert len(engine) == len(store)
            for where in (None, Filter(label="new one")):
                request = SearchRequest(code, 500, where=where)
                local = [hit.document() for hit in store.search_any(request)[0]]
                assert [hit.document() for hit in engine.search_any(request)[0]] == local


def test_tiles_that_two_pushes_put_at_once_are_there_once_after_the_next(collection, corpus):
    with CodeStore.open(corpus.stores["north"]) as store:
        push(store, collection)
        source = StoreSource(store)
        rows = [mark.first_row for mark in source.marks()]
        records = [own for own in source.read(rows) if isinstance(own, SceneRead)]
        with EngineStore.open(collection) as engine:
            number, shelf = engine.stations[0].number, engine.head.shelf
            twice = [tiles_of(*records[at], number) for at in (0, 3, 4)]
            engine.backend.put(shelf, twice, fresh=True)
        push(store, collection)
        request = SearchRequest(next(store.living())[1][:1], 500)
        local = [hit.document() for hit in store.search_any(request)[0]]
        with EngineStore.open(collection) as engine:
            assert len(engine) == len(store)
            assert [hit.document() for hit in engine.search_any(request)[0]] == local


def test_another_model_follows_and_other_stations_codes_are_kept(collection, corpus, tmp_path):
    stores = {}
    for name, lineage, bits in (
        ("n", LINEAGE, BITS),
        ("n2", "fedcba", 32),
        ("other", LINEAGE, BITS),
    ):
        stores[name] = CodeStore.create(tmp_path / name, lineage, bits, "test")
        stores[name].name_station("other" if name == "other" else "north")
    with CodeStore.open(corpus.stores["north"]) as north:
        stores["n"].merge(north)
        for record, codes in north.scenes():
            stores["n2"].add([record.hashed(codes[:, :4])])
    push(stores["n"], collection)
    assert push(stores["n2"], collection).tiles == len(stores["n2"])
    with EngineStore.open(collection) as engine:
        assert (engine.lineage, engine.bits, len(engine)) == ("fedcba", 32, len(stores["n2"]))
    with pytest.raises(LineageError, match="north"):
        push(stores["other"], collection)
    for store in stores.values():
        store.close()


def test_an_empty_store_and_an_empty_collection(collection, tmp_path):
    with pytest.raises(StoreError, match="nothing was pushed"):
        EngineStore.open(collection)
    with CodeStore.create(tmp_path / "s", LINEAGE, BITS, "test") as store:
        with pytest.raises(ConfigurationError, match="station"):
            push(store, collection)
        store.name_station("north")
        push(store, collection)
    with EngineStore.open(collection) as engine:
        assert len(engine) == 0
        assert engine.search_any(SearchRequest(np.zeros((2, 8), np.uint8), 3))[0] == []


def test_a_name_stands_for_one_store(collection, tmp_path):
    for folder in ("a", "b"):
        with CodeStore.create(tmp_path / folder, LINEAGE, BITS, "test") as store:
            store.name_station("north")
    push(tmp_path / "a", collection)
    with pytest.raises(StoreError, match="another store"):
        push(tmp_path / "b", collection)


def test_doctor_looks_at_an_engine(collection, tmp_path, model):
    with CodeStore.for_model(tmp_path / "s", model) as store:
        store.name_station("north")
        codes = np.random.default_rng(0).integers(0, 256, (5, store.bits // 8)).astype(np.uint8)
        windows = [Window(256 * at, 0, 256, 256) for at in range(5)]
        store.add([HashedScene("0" * 32, "/data/a.tif", windows, codes)])
        push(store, collection)
    found = {one.check: one for one in check_engine(collection, model)}
    assert {name: one.verdict for name, one in found.items()} == {
        "engine": "good",
        "store": "good",
        "search": "good",
    }
    assert "north (5)" in found["store"].what
    (one,) = check_engine(f"{collection}_not", model)
    assert (one.check, one.verdict) == ("engine", "bad")


def test_the_command_explains_a_search_in_whole_lines(corpus, capsys):
    code = corpus.tiles("north")[0][2].hex()
    command = ["search", f"code:{code}", "--store", str(corpus.stores["north"]), "--explain"]
    with pytest.raises(SystemExit) as ended:
        build_app()(command)
    assert not ended.value.code
    assert "\\n" not in capsys.readouterr().out


def test_what_the_extensions_of_postgresql_are_used_for(extended, postgres, corpus):
    import psycopg

    push(corpus.stores["north"], f"{extended}/layer")
    with EngineStore.open(f"{extended}/layer") as engine:
        assert engine.backend.plan == "code <~> query"
        shelf = engine.head.shelf
    push(corpus.stores["north"], f"{postgres.address}/plain")
    with EngineStore.open(f"{postgres.address}/plain") as engine:
        assert engine.backend.plan == "bit_count(code # query)"
    with psycopg.connect(
        host="127.0.0.1", port=postgres.port, user="postgres", dbname="extended"
    ) as connection:
        query = (
            "SELECT number % (1::bigint << 40), ST_AsText(footprint) FROM "
            f'"layer_{shelf}_places" ORDER BY number'
        )
        layer: dict[int, str] = dict(connection.execute(query).fetchall())
        connection.execute("SET enable_seqscan = off")
        box = conditions(Conditions((1,), {1: 2}, boxes=(Box(0.0, 0.0, 30.0, 16.0),)))
        query = f'EXPLAIN SELECT number FROM "layer_{shelf}_tiles" {box[0]}'
        plan = " ".join(line for (line,) in connection.execute(query, box[1]))
        assert f"layer_{shelf}_box" in plan
    placed = {row: tile.footprint for _, row, _, tile in corpus.tiles("north") if tile.footprint}
    assert layer.keys() == placed.keys()
    for row, footprint in placed.items():
        numbers = [float(word) for word in re.findall(r"-?[0-9.]+", layer[row])]
        assert numbers == pytest.approx([*sum(footprint, ()), *footprint[0]])


class Public:
    """A client of Milvus with its documented methods alone."""

    def __init__(self, client) -> None:
        self.__client = client

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.__client, name)


@pytest.mark.parametrize("name", ["lite", "milvus"])
def test_a_client_of_milvus_with_no_more_than_its_documented_methods_is_enough(
    name, request, corpus, monkeypatch
):
    from scenehash.engines.milvus import Milvus

    made = Milvus.__init__

    def public(milvus, address) -> None:
        made(milvus, address)
        milvus._client = Public(milvus._client)

    monkeypatch.setattr(Milvus, "__init__", public)
    address = f"{address_of(request, name)}/public"
    with CodeStore.open(corpus.stores["north"]) as store:
        assert push(store, address).tiles == len(store)
        asked = SearchRequest(next(store.living())[1][:1], 500)
        local = [hit.document() for hit in store.search_any(asked)[0]]
        with EngineStore.open(address) as engine:
            assert [hit.document() for hit in engine.search_any(asked)[0]] == local


@pytest.mark.parametrize("name", ["lite", "milvus"])
def test_what_is_loaded_with_several_replicas_is_not_loaded_with_one(
    name, request, corpus, monkeypatch
):
    """Milvus refuses another number of replicas than a collection has."""
    from pymilvus import MilvusClient

    address = f"{address_of(request, name)}/replicas"
    with CodeStore.open(corpus.stores["north"]) as store:
        push(store, address)

        def refused(*_: object, **__: object) -> None:
            raise ValueError("can't change the replica number for loaded collection")

        monkeypatch.setattr(MilvusClient, "load_collection", refused)
        assert push(store, address).tiles == len(store)
        with EngineStore.open(address) as engine:
            assert len(engine) == len(store)


def test_a_store_that_gets_another_name_takes_its_tiles_along(collection, tmp_path):
    with CodeStore.create(tmp_path / "s", LINEAGE, BITS, "test") as store:
        store.add(make_scenes(4, 5))
        for name in ("before", "after"):
            store.name_station(name)
            done = push(store, collection)
        assert (done.tiles_pushed, done.scenes_removed) == (0, 0)
        with EngineStore.open(collection) as engine:
            assert [own.name for own in engine.stations] == ["after"]
            code = next(store.living())[1][:1]
            hits, _ = engine.search_any(SearchRequest(code, 2 * len(store)))
            assert {hit.station for hit in hits} == {"after"}
            assert len(hits) == len(engine) == len(store)


def test_tiles_that_somebody_dropped_come_with_the_next_push(collection, tmp_path):
    with CodeStore.create(tmp_path / "s", LINEAGE, BITS, "test") as store:
        store.add(make_scenes(4, 5))
        store.name_station("north")
        push(store, collection)
        with EngineStore.open(collection) as engine:
            backend: Any = engine.backend
            tiles = backend._tiles(engine.head.shelf)
            if collection.startswith("milvus"):
                backend._client.drop_collection(tiles)
            else:
                with backend._transaction() as cursor:
                    cursor.execute(f"DROP TABLE {tiles} CASCADE")
        assert push(store, collection).tiles_pushed == len(store)
        with EngineStore.open(collection) as engine:
            request = SearchRequest(next(store.living())[1][:1], 500)
            local = [hit.document() for hit in store.search_any(request)[0]]
            assert [hit.document() for hit in engine.search_any(request)[0]] == local
        assert push(store, collection).tiles_pushed == 0


def test_a_station_may_have_thousands_of_labels(collection, tmp_path):
    with CodeStore.create(tmp_path / "s", LINEAGE, BITS, "test") as store:
        store.name_station("north")
        scenes = make_scenes(4, 40)
        labels = [f"what-a-folder-of-a-scene-is-called-{number:06}" for number in range(4000)]
        store.add([replace(own, labels=labels[at::40]) for at, own in enumerate(scenes)])
        push(store, collection)
        with EngineStore.open(collection) as engine:
            for label in (labels[0], labels[-1]):
                where = engine.resolve(Filter(label=label))
                request = SearchRequest(scenes[0].codes[:1], 500, where=where)
                local = [hit.document() for hit in store.search_any(request)[0]]
                assert local
                assert [hit.document() for hit in engine.search_any(request)[0]] == local


def test_labels_that_an_engine_does_not_take_are_no_silent_loss(collection, tmp_path):
    with CodeStore.create(tmp_path / "s", LINEAGE, BITS, "test") as store:
        store.name_station("north")
        labels = [f"{number:04}" for number in range(1500)]
        (scene,) = make_scenes(4, 1)
        store.add([replace(scene, labels=labels)])
        if collection.startswith("milvus"):
            with pytest.raises(EngineError, match=r"scene0.tif: its labels are too many"):
                push(store, collection)
            return
        push(store, collection)
        with EngineStore.open(collection) as engine:
            request = SearchRequest(scene.codes[:1], 5, where=Filter(label=labels[-1]))
            assert engine.search_any(request)[0]

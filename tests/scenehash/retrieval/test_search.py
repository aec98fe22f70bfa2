"""Search by examples, by what hits must not be like, by large scenes, by codes; other orders."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scenehash
from scenehash import CodeStore, Crop, Filter, HashModel, Query, search
from scenehash.codes import hamming, unpack
from scenehash.errors import ConfigurationError, InputError, ModelError, StoreError
from scenehash.ingestion.pipeline import ingest
from scenehash.model import card, shipped_model
from scenehash.report.contact_sheet import write_picture
from scenehash.retrieval import match_words
from scenehash.retrieval import query as query_module
from scenehash.retrieval.match_words import LEAST_STORED, MatchDistances, calibrate
from scenehash.retrieval.rerank import by_bit_certainty
from scenehash.scenes import Tiling, Window
from scenehash.store import HashedScene

from ...scenes import draw, read_pixels
from ..ingestion.test_ingest import mosaic, new_store
from ..store.samples import placed

CODES = np.random.default_rng(0).integers(0, 4, (300, 2), np.uint8)
SIDE = 256


def query(code: np.ndarray, logits: np.ndarray | None = None) -> Query:
    return Query("q", code[None], None if logits is None else logits[None])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CodeStore]:
    with CodeStore.create(tmp_path / "s", "a" * 16, 16, "a-model") as store:
        windows = [Window(tile, 0, 1, 1) for tile in range(len(CODES))]
        store.add([HashedScene("0" * 32, "/a.png", windows, CODES)])
        yield store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene of six tiles, one of them black, and images of a tile each."""
    folder = tmp_path_factory.mktemp("scenes")
    pixels = mosaic(2, 3)
    pixels[:SIDE, :SIDE] = 0
    write_picture(folder / "large.png", pixels)
    for number in range(6):
        write_picture(folder / f"forest_{number}.png", draw("forest", 90 + number))
    return folder


@pytest.fixture(scope="module")
def archive(
    folder: Path, model: HashModel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CodeStore]:
    with new_store(tmp_path_factory.mktemp("stores") / "s", model) as store:
        ingest(sorted(folder.iterdir()), store, model)
        yield store


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    like=st.lists(st.integers(0, 299), min_size=1, max_size=4),
    unlike=st.lists(st.integers(0, 299), max_size=3),
    k=st.integers(1, 320),
    radius=st.none() | st.integers(0, 5),
    after=st.none() | st.integers(0, 299),
)
def test_examples_find_what_a_plain_loop_finds(
    store: CodeStore,
    like: list[int],
    unlike: list[int],
    k: int,
    radius: int | None,
    after: int | None,
) -> None:
    near = np.min([hamming(CODES, CODES[row]) for row in like], axis=0)
    far = np.min([hamming(CODES, CODES[row]) for row in unlike] or [np.full(300, 99)], axis=0)
    expected = sorted(
        (int(near[row]), row)
        for row in range(300)
        if near[row] < far[row]
        and (radius is None or near[row] <= radius)
        and (after is None or row > after)
    )[:k]
    found = search(
        store,
        [query(CODES[row]) for row in like],
        k,
        radius=radius,
        where=None if after is None else Filter(newer_than=after),
        unlike=[query(CODES[row]) for row in unlike],
    )
    assert [(hit.distance, hit.row) for hit in found.hits] == expected
    assert [hit.rank for hit in found.hits] == list(range(1, len(expected) + 1))
    assert [hit.hamming_rank for hit in found.hits] == [hit.rank for hit in found.hits]


def test_bits_that_a_query_is_unsure_of_count_less(store: CodeStore) -> None:
    logits = np.random.default_rng(1).normal(size=16).astype(np.float32)
    code = np.packbits(logits > 0)
    hits = search(store, query(code), 300).hits
    ordered = by_bit_certainty(store, [logits[None]], hits)
    differs = unpack(CODES) != (logits > 0)
    half = np.abs(logits).mean() / 2
    weights = [float(np.minimum(np.abs(logits), half)[row].sum()) for row in differs]
    assert sorted(hit.row for hit in ordered) == list(range(300))
    along = [weights[hit.row] for hit in ordered]
    assert along == pytest.approx(sorted(along), abs=1e-5)
    found = search(store, query(code, logits), 5, rerank="bits")
    assert found.hits[0].row == ordered[0].row
    assert found.reranked is not None
    assert found.reranked.compared == {"bit_certainty": 100}
    by_distance = {hit.row: hit.rank for hit in hits}
    assert all(hit.hamming_rank == by_distance[hit.row] for hit in found.hits)
    with pytest.raises(ConfigurationError, match="needs images"):
        search(store, query(code), 5, rerank="bits")


def test_a_large_scene_is_searched_by_all_its_tiles_that_hold_data(
    folder: Path, archive: CodeStore, model: HashModel
) -> None:
    path = folder / "large.png"
    found = search(archive, path, 5, where=Filter(scene="large.png"), model=model)
    (asked,) = found.queries
    assert (len(asked.codes), asked.skipped, len(asked.windows)) == (5, 1, 5)
    assert [hit.distance for hit in found.hits] == [0] * 5
    assert {(hit.window.x, hit.window.y) for hit in found.hits} == {
        (x, y) for x in (0, SIDE, 2 * SIDE) for y in (0, SIDE)
    } - {(0, 0)}
    assert f"{path}: searched by its 5 tiles (1 more hold too little data)" in found.warnings
    each = [archive.search(code[None], 20)[0] for code in asked.codes]
    nearest: dict[int, int] = {}
    for hit in (hit for hits in each for hit in hits):
        nearest[hit.row] = min(hit.distance, nearest.get(hit.row, 999))
    everything = search(archive, path, 20, rerank="none", model=model).hits
    assert [(hit.distance, hit.row) for hit in everything] == sorted(
        (distance, row) for row, distance in nearest.items()
    )[:20]


def test_a_scene_is_one_tile_when_that_is_asked_for(
    folder: Path, archive: CodeStore, model: HashModel
) -> None:
    path = folder / "large.png"
    whole = search(archive, path, 1, crop=Crop(tiling=Tiling(whole=True)), model=model)
    assert [len(query.codes) for query in whole.queries] == [1]
    part = search(archive, path, 1, crop=Crop((SIDE, 0, SIDE, SIDE)), model=model)
    assert (part.hits[0].distance, part.hits[0].window.x) == (0, SIDE)
    assert part.warnings == ()
    with pytest.raises(InputError, match="has 5 tiles, but only one can be used"):
        _ = search(archive, path, 1, model=model).queries[0].code


def test_a_query_in_which_there_is_nothing_to_be_seen_is_named(
    archive: CodeStore, model: HashModel, tmp_path: Path
) -> None:
    write_picture(tmp_path / "grey.png", np.full((SIDE, SIDE, 3), 90, np.uint8))
    found = search(archive, tmp_path / "grey.png", 3, model=model)
    assert found.queries[0].blank
    assert {hit.match for hit in found.hits} == {"doubtful"}
    assert found.warnings == (
        f"{tmp_path / 'grey.png'}: it is of one colour, so that its hits mean little",
    )
    water = np.random.default_rng(0).normal(90, 0.5, (SIDE, SIDE, 3)).round().astype(np.uint8)
    assert not Query.from_image(water, model).blank
    write_picture(tmp_path / "all.png", np.zeros((2 * SIDE, 2 * SIDE, 3), np.uint8))
    with pytest.raises(InputError, match="none of its 4 tiles can be a query"):
        search(archive, tmp_path / "all.png", model=model)


def test_images_rows_codes_and_files_are_the_same_query(
    folder: Path, archive: CodeStore, model: HashModel
) -> None:
    path = folder / "forest_1.png"
    image = read_pixels(path)
    by_file = search(archive, str(path), 4, rerank="none", model=model)
    code = by_file.queries[0].code.tobytes().hex()
    for asked in (path, image, Query.from_image(image, model), f"code:{code}"):
        assert search(archive, asked, 4, rerank="none", model=model).hits == by_file.hits
    row = by_file.hits[0].row
    assert search(archive, f"row:{row}", 4, rerank="none").hits == by_file.hits
    assert search(str(archive.path), [f"row:{row}"], 4, rerank="none").hits == by_file.hits
    assert search(archive, f"code:{code.upper()}", 4).hits == by_file.hits
    for text, said in (
        ("code:12", "8 bits"),
        ("code:123", "hexadecimal"),
        ("code:" + code[:32], "a code of 128 bits, but"),
        ("row:x", "row:NUMBER"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            search(archive, text)


def test_the_document_is_json_and_says_what_was_asked(
    folder: Path, archive: CodeStore, model: HashModel
) -> None:
    where = Filter(scene="forest_1.png")
    found = search(archive, folder / "forest_1.png", 2, where=where, radius=9, model=model)
    document = json.loads(json.dumps(found.document()))
    assert document["filter"] == {"scene": str(folder / "forest_1.png")}
    assert (document["k"], document["radius"]) == (2, 9)
    assert document["reranked"] == {"by": ["mixed"], "compared": {"mixed": 1}}
    assert (document["searched"], document["model"]) == (len(archive), archive.model)
    (hit,) = document["hits"]
    assert (hit["match"], hit["hamming_rank"], hit["distance"]) == ("same_kind", 1, 0)
    (asked,) = document["queries"]
    assert (asked["tiles"], asked["codes"]) == (1, [found.queries[0].code.tobytes().hex()])


def test_a_filter_that_can_match_nothing_is_named(tmp_path: Path) -> None:
    with CodeStore.create(tmp_path / "s", "a" * 16, 64, "a-model") as store:
        store.add([placed(1), placed(2, labels=("flood",))])
        for where, said in (
            (Filter(label="fire"), "no stored scene has the label fire; the labels are flood"),
            (Filter(scene="b.tif"), "no stored scene has the path b.tif, or a path ending in it"),
        ):
            with pytest.raises(StoreError, match=said):
                search(store, "row:0", where=where)
        found = search(store, "row:0", where=Filter(scene="2.png"))
        assert [hit.scene for hit in found.hits] == ["/scenes/2.png"]
        for where, said in (
            (Filter(bbox=(20, 0, 21, 1)), "bbox 20,0,21,1"),
            (Filter(label="flood", scene="1.png"), "scene /scenes/1.png; label flood"),
        ):
            found = search(store, "row:0", where=where)
            assert found.hits == ()
            (warning,) = found.warnings
            assert warning.endswith(f"both the filter and the other conditions: {said}")


def test_no_query_is_an_error(store: CodeStore) -> None:
    with pytest.raises(ConfigurationError, match="no query"):
        search(store, [])


def test_words_follow_distances() -> None:
    limits = MatchDistances(same_kind=6, likely_same_kind=9, doubtful=15, nearest=12)
    for distance, nearest, word in (
        (0, 0, "same_kind"),
        (6, 0, "same_kind"),
        (7, 0, "likely_same_kind"),
        (9, 9, "likely_same_kind"),
        (10, 9, "doubtful"),
        (15, 12, "doubtful"),
        (16, 12, "other_kind"),
        (14, 13, "unlike_anything_stored"),
        (30, 13, "unlike_anything_stored"),
    ):
        assert limits.word(distance, nearest, False, False, LEAST_STORED) == word
    assert limits.word(30, 13, True, False, LEAST_STORED) == "same_place"
    assert limits.word(0, 0, True, True, LEAST_STORED) == "doubtful"


def test_few_tiles_do_not_tell_that_a_query_is_unlike_anything_stored() -> None:
    limits = MatchDistances(same_kind=6, likely_same_kind=9, doubtful=15, nearest=12)
    few = [limits.word(distance, 13, False, False, LEAST_STORED - 1) for distance in (14, 15, 16)]
    assert few == ["doubtful", "doubtful", "other_kind"]


def test_a_given_models_distances_count_for_rows_and_codes_too(
    archive: CodeStore, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = card.MatchDistances(
        bits=archive.bits, same_kind=1, likely_same_kind=2, doubtful=3, nearest=4
    )
    changed = model.card.model_copy(update={"match_distances": [own]})
    code = archive.codes(np.array([0]))[0].tobytes().hex()
    shipped = MatchDistances.default(archive.bits)
    monkeypatch.setattr(card.Card, "from_json", lambda _: changed)
    monkeypatch.setattr(query_module, "_kept_card", query_module._kept_card.__wrapped__)
    given = HashModel.open(shipped_model())
    for asked in ("row:0", f"code:{code}"):
        # None: the model that the store keeps.
        for one in (given, shipped_model(), str(shipped_model()), None):
            assert search(archive, asked, 1, model=one).match_distances == MatchDistances(
                1, 2, 3, 4
            )
    changed = changed.model_copy(update={"lineage": "f" * 16})
    assert search(archive, "row:0", 1, model=shipped_model()).match_distances == shipped
    with pytest.raises(ModelError, match="no such model file"):
        search(archive, "row:0", 1, model="nowhere.onnx")


def test_a_filter_does_not_make_a_query_unlike_anything_stored(
    folder: Path, archive: CodeStore, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match_words, "LEAST_STORED", 1)
    scene = folder / "large.png"
    inside = search(archive, scene, 5, where=Filter(scene="large.png"), model=model)
    assert {hit.match for hit in inside.hits} == {"same_kind"}
    where = Filter(scene="forest_1.png")
    crop = Crop((SIDE, 0, SIDE, SIDE))
    (far,) = search(archive, scene, 5, where=where, crop=crop, model=model).hits
    assert (far.distance > 21, far.match) == (True, "other_kind")
    stranger = Query.from_code((~archive.codes(np.array([0]))[0]).tobytes())
    (far,) = search(archive, stranger, 5, where=where).hits
    assert far.match == "unlike_anything_stored"


def test_distances_of_words_grow_with_the_width() -> None:
    defaults = [MatchDistances.default(bits) for bits in range(16, 264, 8)]
    for narrow, wide in itertools.pairwise(defaults):
        assert narrow.same_kind <= wide.same_kind
        assert narrow.likely_same_kind <= wide.likely_same_kind
        assert narrow.doubtful <= wide.doubtful
        assert narrow.nearest <= wide.nearest


def test_calibration_finds_the_distances_that_it_is_defined_by() -> None:
    rng = np.random.default_rng(0)
    centres = rng.integers(0, 256, (8, 8), np.uint8)
    labels = np.repeat(np.arange(8), 30)

    def near(flips: float) -> np.ndarray:
        noise = np.packbits(rng.random((240, 64)) < flips, axis=1)
        return np.asarray(centres[labels] ^ noise)

    known, unseen = near(0.15), near(0.3)
    found = calibrate((known, labels), (unseen, labels))

    hits = []
    for number in range(240):
        every = sorted(
            (int(np.bitwise_count(unseen[number] ^ code).sum()), other)
            for other, code in enumerate(unseen)
            if other != number
        )
        hits += [(distance, labels[other] == labels[number]) for distance, other in every[:20]]
    share = {
        limit: np.mean([right for distance, right in hits if distance <= limit])
        for limit in range(max(distance for distance, _ in hits) + 1)
        if any(distance <= limit for distance, _ in hits)
    }
    assert found.same_kind == max(limit for limit, right in share.items() if right >= 0.8)
    curves = []
    for codes in (known, unseen):
        alike: dict[int, list[bool]] = {}
        for one, other in itertools.combinations(range(240), 2):
            distance = int(np.bitwise_count(codes[one] ^ codes[other]).sum())
            alike.setdefault(distance, []).append(bool(labels[one] == labels[other]))
        curves.append({distance: np.mean(same) for distance, same in alike.items()})
    likely = min(min(d for d, share in curve.items() if share < 0.5) - 1 for curve in curves)
    assert found.likely_same_kind == max(likely, found.same_kind)
    doubtful = max(max(d for d, share in curve.items() if share > 0.2) for curve in curves)
    assert found.doubtful == max(doubtful, found.likely_same_kind)
    assert found.same_kind < found.likely_same_kind < found.doubtful
    nearest = [
        min(
            int(hamming(known[[other]], known[number])[0])
            for other in range(240)
            if other != number
        )
        for number in range(240)
    ]
    assert found.nearest == int(np.percentile(nearest, 99))


def test_search_is_public_and_loaded_when_it_is_used() -> None:
    assert scenehash.search is search
    assert scenehash.SearchResult.__name__ == "SearchResult"

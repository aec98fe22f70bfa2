"""Hits of the query's place come first, and the others stay in their order."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, HashModel
from scenehash.ingestion import ingest
from scenehash.report.contact_sheet import write_picture
from scenehash.retrieval import mixing, rerank
from scenehash.retrieval.crop import Crop
from scenehash.retrieval.options import Rerank
from scenehash.retrieval.place_match import same_place_first
from scenehash.retrieval.query import Query, read_query
from scenehash.retrieval.search import search

from ...scenes import draw, enlarged
from ..ingestion.test_ingest import mosaic, new_store

SIDE = 256
SHIFTS = [(0, 0), (48, 0), (0, -40), (-25, 25), (13, -31), (-40, -7)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_picture(folder / "scene.png", enlarged("harbor", 4 * SIDE))
    for number in range(6):
        write_picture(folder / f"forest_{number}.png", draw("forest", 90 + number))
    return folder


@pytest.fixture(scope="module")
def store(folder: Path, model: HashModel, tmp_path_factory: pytest.TempPathFactory) -> CodeStore:
    store = new_store(tmp_path_factory.mktemp("stores") / "s", model)
    store.keep_thumbnails()
    ingest(sorted(folder.iterdir()), store, model)
    return store


def crop(folder: Path, store: CodeStore, model: HashModel, x: int, y: int) -> Query:
    path = str(folder / "scene.png")
    return read_query(path, store, lambda: model, Crop((x, y, SIDE, SIDE)))


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_moved_crop_finds_its_own_tile_first(
    folder: Path, store: CodeStore, model: HashModel, shift: tuple[int, int]
) -> None:
    for column, row in ((1, 1), (2, 1), (1, 2), (2, 2)):
        query = crop(folder, store, model, SIDE * column + shift[0], SIDE * row + shift[1])
        first, *others = search(store, query, 5).hits
        assert (first.window.x, first.window.y) == (SIDE * column, SIDE * row)
        assert first.same_place
        assert [hit.same_place for hit in others] == [False] * 4
        assert [hit.rank for hit in (first, *others)] == [1, 2, 3, 4, 5]


def test_brightness_and_contrast_do_not_matter(
    folder: Path, store: CodeStore, model: HashModel
) -> None:
    query = crop(folder, store, model, SIDE + 20, SIDE - 30)
    assert query.picture is not None
    hits = search(store, query, 30, rerank="none").hits
    paler = np.clip(query.picture * 0.6 + 60, 0, 255).astype(np.uint8)
    for image in (query.picture, paler):
        seen = Query.from_image(image, model)
        first = same_place_first(store, [seen], hits[::-1])[0]
        assert first.window == hits[0].window or (first.window.x, first.window.y) == (SIDE, SIDE)


def test_hits_of_other_places_stay_in_the_order_that_they_had(
    folder: Path, store: CodeStore, model: HashModel, tmp_path: Path
) -> None:
    strange = write(tmp_path / "strange.png", draw("harbor", 4321))
    query = read_query(str(strange), store, lambda: model)
    hits = search(store, query, 30, rerank="none").hits
    compared = same_place_first(store, [query], hits)
    assert compared == [replace(hit, same_place=False) for hit in hits]
    own = crop(folder, store, model, SIDE, SIDE)
    moved_up = same_place_first(store, [own], hits)
    assert [hit.row for hit in moved_up if not hit.same_place] == [
        hit.row for hit in hits if hit.row != moved_up[0].row
    ]


def test_a_picture_without_texture_is_no_place(store: CodeStore, model: HashModel) -> None:
    flat = np.full((SIDE, SIDE, 3), 90, np.uint8)
    hits = store.search(model.encode([flat]), 30)[0]
    assert [
        hit.same_place for hit in same_place_first(store, [Query.from_image(flat, model)], hits)
    ] == [False] * 22


def test_a_tile_that_shares_more_comes_before_one_that_shares_less(
    model: HashModel, tmp_path: Path
) -> None:
    pixels = mosaic(3, 3)
    for left in (180, 200, 220):
        name = f"{left}.png"
        write(tmp_path / "in" / name, pixels[SIDE : 2 * SIDE, left : left + SIDE])
    query_path = write(tmp_path / "query.png", pixels[SIDE : 2 * SIDE, 228 : 228 + SIDE])
    with new_store(tmp_path / "s", model) as store:
        store.keep_thumbnails()
        ingest(sorted((tmp_path / "in").iterdir()), store, model)
        query = read_query(str(query_path), store, lambda: model)
        hits = search(store, query, 3).hits
        assert [Path(hit.scene).stem for hit in hits] == ["220", "200", "180"]
        assert all(hit.same_place for hit in hits)


def test_without_thumbnails_nothing_is_said_of_places(
    folder: Path, store: CodeStore, model: HashModel, tmp_path: Path
) -> None:
    query = crop(folder, store, model, SIDE, SIDE)
    with new_store(tmp_path / "s", model) as bare:
        bare.merge(store)
        bare.keep_thumbnails(False)
        assert {hit.same_place for hit in search(bare, query, 9).hits} == {None}
    plain = search(store, query, 9, rerank="none").hits
    assert {hit.same_place for hit in plain} == {None}


def test_each_order_says_how_many_it_looked_at(
    folder: Path, store: CodeStore, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerank, "LEAST_WEIGHED", 5)
    monkeypatch.setattr(rerank, "WEIGHED", 1)
    monkeypatch.setattr(rerank, "PLACES", 12)
    monkeypatch.setattr(mixing, "KNOWN_NEAREST", 6)
    query = crop(folder, store, model, SIDE, SIDE)
    orders: tuple[tuple[Rerank | None, dict[str, int]], ...] = (
        ("bits", {"bit_certainty": 5, "same_place": 12}),
        ("thumbnails", {"same_place": 12}),
        (None, {"mixed": 6, "same_place": 12}),
    )
    for wanted, compared in orders:
        found = search(store, query, 3, rerank=wanted)
        assert found.reranked is not None
        assert found.reranked.compared == compared
        assert found.reranked.by[0] == "same_place"
        assert found.document()["reranked"]["compared"] == compared  # type: ignore[index]
    everything = search(store, query, 99, rerank="bits").reranked
    assert everything is not None
    assert everything.compared == {"bit_certainty": 22, "same_place": 22}


def write(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    write_picture(path, image)
    return path

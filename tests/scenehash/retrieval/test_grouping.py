"""Hits of one place, and near-duplicates, are one group; what a limit hides is counted."""

import numpy as np
import pytest

from scenehash import CodeStore, HashModel
from scenehash.ingestion import ingest
from scenehash.report.contact_sheet import write_picture
from scenehash.retrieval.grouping import group_hits
from scenehash.retrieval.search import search
from scenehash.scenes.thumbnails import make_thumbnail
from scenehash.store import Filter, Hit
from scenehash.tiling import Window

from ...scenes import draw, enlarged
from ..ingestion.test_ingest import new_store

Ring = tuple[tuple[float, float], ...]


def hit(row: int, scene: str, x: int, footprint: Ring | None = None) -> Hit:
    return Hit(row + 1, row, row, scene, Window(x, 0, 256, 256), footprint=footprint)


def square(west: float) -> Ring:
    return ((west, 1.0), (west + 1, 1.0), (west + 1, 0.0), (west, 0.0))


def codes(*numbers: int) -> np.ndarray:
    return np.array([[number] * 8 for number in numbers], np.uint8)


def test_windows_of_a_scene_that_overlap_are_one_group() -> None:
    hits = [hit(0, "a", 0), hit(1, "b", 0), hit(2, "a", 128), hit(3, "a", 512), hit(4, "a", 240)]
    assert group_hits(hits, codes(0, 1, 2, 3, 4)) == [[0, 2], [1], [3], [4]]


def test_footprints_that_overlap_are_one_group_whatever_the_scene() -> None:
    hits = [hit(0, "a", 0, square(5)), hit(1, "b", 0, square(5.5)), hit(2, "c", 0, square(6.5)),
            hit(3, "d", 0)]  # fmt: skip
    assert group_hits(hits, codes(0, 1, 2, 3)) == [[0, 1], [2], [3]]


def test_pictures_that_match_are_duplicates_and_equal_codes_alone_are_not() -> None:
    harbor, forest = draw("harbor", 1), draw("forest", 2)
    lighter = np.clip(harbor * 1.15 + 6, 0, 255).astype(np.uint8)
    hits = [hit(row, f"{row}.png", 0) for row in range(4)]
    pictures = {0: make_thumbnail(harbor), 1: make_thumbnail(lighter), 2: make_thumbnail(forest)}
    assert group_hits(hits[:3], codes(7, 7, 7), pictures) == [[0, 1], [2]]
    # Where there are no pictures nothing but the code is left to compare.
    assert group_hits(hits[:3], codes(7, 7, 6)) == [[0, 1], [2]]
    assert group_hits(hits, codes(7, 7, 7, 7), pictures) == [[0, 1, 3], [2]]


def test_every_hit_is_in_one_group() -> None:
    rng = np.random.default_rng(0)
    hits = [hit(row, str(rng.integers(3)), int(rng.integers(2000))) for row in range(60)]
    groups = group_hits(hits, rng.integers(0, 4, (60, 8), np.uint8))
    assert sorted(row for rows in groups for row in rows) == list(range(60))
    assert [rows[0] for rows in groups] == sorted(rows[0] for rows in groups)
    assert group_hits([], codes()) == []


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, model: HashModel) -> CodeStore:
    folder = tmp_path_factory.mktemp("scenes")
    write_picture(folder / "copy.png", draw("harbor", 1))
    write_picture(folder / "first.png", (draw("harbor", 1) * 0.98).astype(np.uint8))
    write_picture(folder / "large.png", enlarged("forest", 1024))
    for number in range(4):
        write_picture(folder / f"forest_{number}.png", draw("forest", 10 + number))
    store = new_store(tmp_path_factory.mktemp("stores") / "s", model)
    store.keep_thumbnails()
    ingest(sorted(folder.iterdir()), store, model)
    return store


def test_a_search_groups_its_hits(store: CodeStore) -> None:
    result = search(store, "row:0", 30)
    groups = [[hit.row for hit in group] for group in result.groups()]
    assert groups[0] == [0, 1]
    assert sum(len(rows) for rows in groups) == len(result.hits) == len(store)
    assert result.document(group=True)["groups"] == groups


def test_hits_that_a_limit_hides_are_counted(store: CodeStore) -> None:
    every = search(store, "row:0", 100, rerank="none").hits
    radius = every[-2].distance
    within = sum(one.distance <= radius for one in every)
    for k in (1, 3, within, within + 1):
        found = search(store, "row:0", k, radius=radius)
        assert found.more_within_radius == max(within - k, 0)
        assert found.document()["more_within_radius"] == found.more_within_radius
    assert search(store, "row:0", 3).more_within_radius is None
    only = search(store, "row:0", 1, radius=256, where=Filter(scene="large.png"))
    assert only.more_within_radius == 15
    nothing = search(store, "row:0", 1, radius=store.bits, unlike=["row:0"])
    assert nothing.more_within_radius == 0

"""Some tiles, drawn at random, tell what a store holds."""

from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, Filter
from scenehash.store.search.sample import SAMPLED, draw_rows, rows_of_sample

from .samples import LINEAGE, make
from .tile_parts import DIMS, FRAME, VECTOR_PART


def test_what_is_drawn_from_is_nearly_all_and_changes_seldom() -> None:
    assert rows_of_sample(0) == 0
    sizes = [rows_of_sample(rows) for rows in range(1, 5000)]
    assert all(0 <= rows - size <= rows / 8 for rows, size in enumerate(sizes, 1))
    assert len(set(sizes)) < 90


def test_rows_are_drawn_once_each_and_the_same_each_time() -> None:
    assert draw_rows(0).tolist() == []
    assert draw_rows(7).tolist() == list(range(7))
    rows = draw_rows(50_000)
    assert len(np.unique(rows)) == SAMPLED
    assert np.array_equal(rows, draw_rows(50_000))
    # From all over the store.
    assert np.histogram(rows, 5, (0, 50_000))[0].min() > SAMPLED / 8


def test_a_sample_has_the_tiles_that_are_there_with_their_vectors(tmp_path: Path) -> None:
    with CodeStore.create(tmp_path / "s", LINEAGE, 64, "a-model") as store:
        store.keep_vectors(FRAME, 24)
        scenes = [VECTOR_PART.scene(number, 4) for number in range(4)]
        store.add(scenes)
        store.delete(Filter(scene=scenes[1].path))
        sample = store.sample()
        rows = np.r_[0:4, 8:16]
        assert np.array_equal(sample.codes, store.codes(rows))
        assert np.array_equal(sample.vectors, store.vectors.read(rows)[1])
        assert store.sample() is sample
        store.add([VECTOR_PART.scene(9, 4)])
        assert len(store.sample()) == 16


def test_a_tile_without_a_vector_is_not_in_it(tmp_path: Path) -> None:
    with make(tmp_path / "s", 3) as store:
        assert len(store.sample()) == 0


@pytest.mark.parametrize("is_same", [True, False], ids=["the same store", "a reader beside it"])
def test_a_sample_follows_vectors_that_come_without_new_tiles(
    tmp_path: Path, is_same: bool
) -> None:
    scenes = [VECTOR_PART.scene(number, 4) for number in range(4)]
    with CodeStore.create(tmp_path / "s", LINEAGE, 64, "a-model") as store:
        store.add(scenes)
        store.keep_vectors(FRAME, DIMS)
        with CodeStore.open(tmp_path / "s") as other:
            reader = store if is_same else other
            records = [record for record, _ in store.scenes()]
            for count, (record, own) in enumerate(zip(records, scenes, strict=True), 1):
                assert len(reader.sample()) == 4 * count - 4
                assert store.vectors.put_scenes([record], [own.vectors])
                reader.refresh()
            sample = reader.sample()
            assert len(sample) == 16
            assert reader.sample() is sample


def test_a_sample_is_drawn_anew_when_other_tiles_are_deleted_after_a_compaction(
    tmp_path: Path,
) -> None:
    scenes = [VECTOR_PART.scene(number, 4) for number in range(4)]
    with CodeStore.create(tmp_path / "s", LINEAGE, 64, "a-model") as store:
        store.keep_vectors(FRAME, DIMS)
        store.add(scenes)
        for deleted in (0, 1):
            store.delete(Filter(scene=scenes[deleted].path))
            assert np.array_equal(store.sample().codes, store.codes(np.arange(4 + 4 * deleted, 16)))
            store.compact()

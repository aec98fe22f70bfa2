"""Copies of an image, which real archives have, neither leak into the test part nor break a fit."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash.errors import InputError
from scenehash_train.config import make_config
from scenehash_train.data import LabelledImage, labels, read_archive, split
from scenehash_train.fit import fit
from scenehash_train.recipes import TrainingSet, make_recipe

from .test_data import make_archive


def shared_images(contents: list[list[int]]) -> list[LabelledImage]:
    """One class a list; equal numbers are equal contents, in whatever class."""
    return [
        LabelledImage(Path(f"{label}/{number}"), (label,), str(content))
        for label, members in enumerate(contents)
        for number, content in enumerate(members)
    ]


@given(
    st.lists(st.lists(st.integers(0, 30), min_size=5, max_size=40), min_size=2, max_size=4),
    st.integers(0, 50),
)
def test_one_content_in_two_classes_is_never_on_both_sides(
    contents: list[list[int]], seed: int
) -> None:
    parts = split(shared_images(contents), seed)
    assert not {i.content for i in parts.train} & {i.content for i in parts.test}
    assert len(parts.train) + len(parts.test) == sum(map(len, contents))


def test_counts_stay_exact_beside_a_content_of_two_classes() -> None:
    for seed in range(20):
        parts = split(shared_images([list(range(10)), [0, *range(10, 19)]]), seed)
        assert Counter(labels(parts.train).tolist()) == {0: 6, 1: 6}


def test_copies_of_one_image_do_not_make_a_class(tmp_path: Path) -> None:
    root = make_archive(tmp_path / "a", {"field": 6, "forest": 4})
    for number in range(5):
        (root / "forest" / f"copy{number}.png").write_bytes(
            (root / "forest" / "0.png").read_bytes()
        )
    with pytest.raises(InputError, match="class forest has 4 different readable images"):
        read_archive(root)


@given(st.lists(st.lists(st.integers(0, 6), min_size=5, max_size=30), min_size=2, max_size=3))
def test_every_class_of_different_images_has_a_pair_to_train_and_one_to_test(
    contents: list[list[int]],
) -> None:
    members = [[100 * label + c for c in m] + [100 * label + k for k in range(5)]
               for label, m in enumerate(contents)]  # fmt: skip
    parts = split(shared_images(members), 0)
    train, test = Counter(labels(parts.train).tolist()), Counter(labels(parts.test).tolist())
    assert all(train[label] >= 2 and test[label] >= 1 for label in range(len(members)))


@pytest.mark.parametrize("recipe", ["centres", "mhcln"])
def test_the_smallest_archive_trains_without_nan(recipe: str, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(6, 1, 12)).astype(np.float32)
    data = TrainingSet(vectors, np.array([0, 0, 0, 1, 1, 1]))
    config = make_config({"recipe": recipe, "bits": 16, "settings": {"steps": 30, "batch": 6}})
    learner = make_recipe(config, data)
    fit(learner, 0, tmp_path / "checkpoint.pt")
    assert all(bool(value.isfinite().all()) for value in learner.head.state_dict().values())

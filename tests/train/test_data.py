from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash.errors import InputError
from scenehash_train.data import LabelledImage, labels, read_archive, split

from ..scenes import read_pixels


def make_archive(root: Path, counts: dict[str, int]) -> Path:
    """Small images, no two the same, in a folder for each class."""
    rng = np.random.default_rng(0)
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (20, 20, 3), np.uint8)
            cv2.imwrite(str(root / name / f"{number}.png"), pixels)
    return root


def images(contents: list[list[int]]) -> list[LabelledImage]:
    """One class a list; equal numbers are equal contents."""
    return [
        LabelledImage(Path(f"{label}/{number}"), (label,), f"{label}-{content}")
        for label, members in enumerate(contents)
        for number, content in enumerate(members)
    ]


@given(st.lists(st.integers(5, 60), min_size=2, max_size=6), st.integers(0, 100))
def test_each_class_is_split_60_to_40(counts: list[int], seed: int) -> None:
    parts = split(images([list(range(count)) for count in counts]), seed)
    assert Counter(labels(parts.train).tolist()) == {
        label: round(0.6 * count) for label, count in enumerate(counts)
    }
    assert not set(parts.train) & set(parts.test)
    assert len(parts.train) + len(parts.test) == sum(counts)


@given(st.lists(st.lists(st.integers(0, 9), min_size=5, max_size=40), min_size=2, max_size=4))
def test_images_of_one_content_are_never_on_both_sides(contents: list[list[int]]) -> None:
    parts = split(images(contents), 3)
    assert not {i.content for i in parts.train} & {i.content for i in parts.test}
    assert len(parts.train) + len(parts.test) == sum(map(len, contents))


def test_a_split_follows_its_seed() -> None:
    every = images([list(range(50)), list(range(50))])
    assert split(every, 4) == split(every, 4)
    assert split(every, 4) != split(every, 5)


def test_a_split_is_the_same_for_ever() -> None:
    """A model file remembers the seed alone: another split would judge it by what trained it."""
    test = split(images([list(range(10)), list(range(10))]), 4).test
    places = ["0/3", "0/4", "0/5", "0/6", "1/1", "1/4", "1/6", "1/8"]
    assert [image.path.as_posix() for image in test] == places


def test_an_archive_is_read_with_its_unreadable_images_set_aside(tmp_path: Path) -> None:
    root = make_archive(tmp_path / "a", {"field": 6, "forest": 7})
    (root / "field" / "broken.jpg").write_text("no image")
    (root / "forest" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (root / "notes.txt").write_text("not a class")
    (root / "empty").mkdir()
    archive = read_archive(root)
    assert archive.classes == ("field", "forest")
    assert Counter(labels(archive.images).tolist()) == {0: 6, 1: 7}
    (broken, reason), (gone, absence) = archive.set_aside
    assert (broken.name, gone.name) == ("broken.jpg", "gone.png")
    assert "not an image" in reason
    assert absence == "cannot be read (No such file or directory)"


def test_the_fingerprint_depends_on_every_pixel(tmp_path: Path) -> None:
    root = make_archive(tmp_path / "a", {"field": 5, "forest": 5})
    before = read_archive(root).fingerprint
    assert read_archive(root).fingerprint == before
    image = read_pixels(root / "field" / "3.png")
    image[0, 0, 0] ^= 1
    cv2.imwrite(str(root / "field" / "3.png"), image)
    assert read_archive(root).fingerprint != before


def test_what_cannot_be_split_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_archive(tmp_path / "nowhere")
    with pytest.raises(InputError, match="at least 2"):
        read_archive(make_archive(tmp_path / "one", {"field": 9}))
    with pytest.raises(InputError, match="class forest has 4"):
        read_archive(make_archive(tmp_path / "few", {"field": 9, "forest": 4}))
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="0 class folders"):
        read_archive(tmp_path / "none")


@pytest.mark.slow
def test_uc_merced_is_split_as_the_protocol_says(data_root: Path) -> None:
    archive = read_archive(data_root / "ucmerced")
    assert len(archive.classes) == 21
    assert not archive.set_aside
    parts = split(archive.images, 0)
    assert (len(parts.train), len(parts.test)) == (1260, 840)
    assert set(Counter(labels(parts.test).tolist()).values()) == {40}
    twins = [image for image in archive.images if image.path.stem in ("airplane01", "airplane02")]
    assert twins[0].content == twins[1].content
    assert len({image in parts.train for image in twins}) == 1

import numpy as np
import pytest

from scenehash.demo.drawn_scenes import KINDS, archive, draw


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [64, 256])
def test_a_scene_of_every_kind_has_the_size_asked_for_and_something_on_it(
    kind: str, size: int
) -> None:
    scene = draw(kind, 3, size)
    assert scene.shape == (size, size, 3)
    assert scene.dtype == np.uint8
    assert scene.std() > 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_is_the_same_for_a_seed_and_another_for_another(kind: str) -> None:
    scene = draw(kind, 3)
    np.testing.assert_array_equal(scene, draw(kind, 3))
    difference = np.abs(scene.astype(int) - draw(kind, 4))
    assert difference.mean() > 5


def test_kinds_differ_under_one_seed() -> None:
    scenes = [draw(kind, 0, 64) for kind in KINDS]
    for number, scene in enumerate(scenes):
        assert not any(np.array_equal(scene, other) for other in scenes[number + 1 :])


def test_an_unknown_kind_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"moon.*harbor"):
        draw("moon", 0)


def test_an_archive_has_scenes_of_every_kind_under_names_of_their_own() -> None:
    names = [name for name, _ in archive(2)]
    assert len(set(names)) == len(names) == 2 * len(KINDS)
    assert {f"{kind}_01.png" for kind in KINDS} < set(names)


def test_an_archive_is_the_same_for_a_seed_and_another_for_another() -> None:
    first, again, other = (list(archive(1, seed)) for seed in (5, 5, 6))
    for (name, image), (same_name, same), (_, different) in zip(first, again, other, strict=True):
        assert name == same_name
        np.testing.assert_array_equal(image, same)
        assert not np.array_equal(image, different)

import numpy as np
import pytest

from edge_runtime.demo_scenes import KINDS, archive, draw


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_is_drawn_the_same_for_a_seed_and_otherwise_for_another(kind: str) -> None:
    scene = draw(kind, 3)
    assert scene.shape == (256, 256, 3)
    assert scene.dtype == np.uint8
    assert scene.std() > 5
    assert np.array_equal(scene, draw(kind, 3))
    assert not np.array_equal(scene, draw(kind, 4))
    assert draw(kind, 3, size=64).shape == (64, 64, 3)


def test_an_archive_has_scenes_of_every_kind_under_names_of_their_own() -> None:
    names = [name for name, _ in archive(2)]
    assert len(set(names)) == len(names) == 2 * len(KINDS)


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ValueError, match="moon"):
        draw("moon", 0)

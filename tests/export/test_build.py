"""A model file holds what its card says; an export that fails leaves nothing behind."""

import errno
from pathlib import Path

import numpy as np
import onnx
import pytest

from scenehash.demo.tiles import demo_tiles
from scenehash.errors import FidelityError, InputError, ModelError
from scenehash.index import CodeIndex
from scenehash.model.hash_model import HashModel
from scenehash.scenes import read_image
from scenehash.tiles import to_tile
from scenehash_export import build
from scenehash_export.build import choose_calibration, export_run
from scenehash_export.fidelity import Threshold, compare
from scenehash_train.data import LabelledImage
from scenehash_train.runs import Run

from .conftest import CLASSES

LENIENT = Threshold(bit_flips=1.0, map_drop=1.0)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_model_file_loads_and_replays_its_golden_tiles(
    run: Run, out: Path, precision: build.Precision
) -> None:
    exported = export_run(run, out, precision, LENIENT, calibration_images=8)
    model = HashModel.load(out)
    assert model.golden_drift == 0
    assert model.card == exported.card
    assert (model.lineage, model.bits, model.tile_size) == (run.lineage, 16, 64)
    assert model.card.precision == precision
    assert model.card.data == run.data_record()
    assert model.card.fidelity is not None
    assert model.card.fidelity.images == len(run.split.test)
    assert (model.card.calibration is not None) == (precision == "int8")
    assert len(model.card.to_json()) < 1_000_000
    for record in model.card.golden:
        code = np.frombuffer(record.code, np.uint8)
        np.testing.assert_array_equal(model.encode([record.tile()])[0], code)
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_fp32_file_gives_the_codes_of_the_network(run: Run, out: Path) -> None:
    exported = export_run(run, out, "fp32", Threshold(0, 0))
    assert exported.card.fidelity is not None
    assert exported.card.fidelity.bit_flip_rate == 0


def test_golden_tiles_are_the_packages_own_and_none_of_the_users_images(
    run: Run, out: Path
) -> None:
    card = export_run(run, out, "fp32", LENIENT).card
    for record in card.golden:
        tile = to_tile(demo_tiles(record.name)[0], 64)
        np.testing.assert_array_equal(record.tile(), tile)


def test_departing_too_far_fails_with_the_figures_and_writes_nothing(run: Run, out: Path) -> None:
    with pytest.raises(FidelityError, match=r"% of the bits differ .*at most"):
        export_run(run, out, "fp32", Threshold(bit_flips=-1))
    with pytest.raises(FidelityError, match=r"map@20 falls from"):
        export_run(run, out, "fp32", Threshold(map_drop=-1))
    assert not list(out.parent.iterdir())


def test_full_disk_leaves_the_older_file_as_it_was(
    run: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out.write_bytes(b"older")

    def fill(model: onnx.ModelProto, path: Path) -> None:
        path.write_bytes(model.SerializeToString()[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(build.onnx, "save", fill)
    with pytest.raises(ModelError, match="No space left on device"):
        export_run(run, out, "fp32", LENIENT)
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    assert out.read_bytes() == b"older"


def test_interrupted_export_leaves_no_part_of_a_file(
    run: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "check", interrupt)
    with pytest.raises(KeyboardInterrupt):
        export_run(run, out, "fp32", LENIENT)
    assert not list(out.parent.iterdir())


def test_folder_that_is_not_there_is_found_out_before_the_work(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model file can be written there"):
        export_run(run, tmp_path / "absent" / "m.onnx", "int8", LENIENT)


def test_images_that_have_moved_are_named(run: Run, out: Path) -> None:
    image = run.split.train[0].path
    hidden = image.with_suffix(".hidden")
    image.rename(hidden)
    try:
        with pytest.raises(InputError, match=rf"{image}: an image of .* no longer there"):
            export_run(run, out, "int8", LENIENT)
    finally:
        hidden.rename(image)


def test_calibration_takes_as_many_of_each_class(run: Run) -> None:
    chosen, held_out = choose_calibration(run.split.train, 6, seed=0)
    assert sorted(image.label for image in chosen) == [0, 0, 0, 1, 1, 1]
    assert sorted(image.label for image in held_out) == [0, 0, 0, 1, 1, 1]
    assert not {image.path for image in chosen} & {image.path for image in held_out}
    assert (chosen, held_out) == choose_calibration(run.split.train, 6, seed=0)
    assert chosen != choose_calibration(run.split.train, 6, seed=1)[0]
    assert len(CLASSES) == 2


def test_calibration_counts_an_image_of_several_classes_for_the_rarest() -> None:
    classes = [(0,)] * 12 + [(0, 1)] * 6 + [(0, 1, 2)] * 6
    images = [LabelledImage(Path(str(number)), of, "") for number, of in enumerate(classes)]
    chosen, _ = choose_calibration(images, 6, seed=0)
    assert sorted(len(image.labels) for image in chosen) == [1, 1, 2, 2, 3, 3]


def test_flips_of_an_image_count_for_each_of_its_classes() -> None:
    reference = np.ones((4, 8), np.float32)
    logits = reference.copy()
    logits[0, :4] = -1
    members = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 1, 1, 0]], bool)
    fidelity = compare(reference, logits, members, ["a", "b", "c", "never seen"], 0)
    assert fidelity.flips_by_class == {"a": 0.5, "b": pytest.approx(1 / 6, abs=1e-6), "c": 0}


def test_shipped_model_finds_the_harbors_among_other_scenes(data_root: Path) -> None:
    model = HashModel.load(threads=2)
    kinds = ("harbor", "forest", "runway")
    images = [
        read_image(path)
        for kind in kinds
        for path in sorted((data_root / "ucmerced" / kind).iterdir())[:8]
    ]
    distances, rows = CodeIndex(codes := model.encode(images)).search(codes, 8)
    assert (distances[:, 0] == 0).all()
    assert (rows // 8 == np.arange(24)[:, np.newaxis] // 8).mean() > 0.95

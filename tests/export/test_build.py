"""A model file holds what its card says; an export that fails leaves a report, and no file."""

import errno
import json
from dataclasses import replace
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
from scenehash_export import ExportOptions, Limits, build, export
from scenehash_export.build import choose_calibration
from scenehash_export.fidelity import compare, within_limits
from scenehash_export.options import Precision
from scenehash_export.stages import CACHE, GRAPH, GRAPH_RECORD, MEASURED, StageCache
from scenehash_train.config import make_config
from scenehash_train.data import LabelledImage
from scenehash_train.runs import Run
from scenehash_train.training import train

from .conftest import CLASSES

pytestmark = pytest.mark.slow

LENIENT = Limits(max_bit_flips=1.0, max_map_drop=1.0)
FP32 = ExportOptions("fp32", limits=LENIENT)
INT8 = ExportOptions("int8", calibration_images=8, limits=LENIENT)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_model_file_loads_and_gives_the_codes_of_its_golden_tiles(
    run: Run, out: Path, precision: Precision
) -> None:
    exported = export(run, out, replace(INT8, precision=precision))
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
    exported = export(run, out, replace(FP32, limits=Limits(0, 0)))
    assert exported.card.fidelity is not None
    assert exported.card.fidelity.bit_flip_rate == 0


def test_the_network_and_the_file_read_images_alike(
    run: Run, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run's decode_params hold for the reference, too, or bits would flip in its favour."""
    monkeypatch.setenv("SCENEHASH_CACHE", str(tmp_path / "cache"))
    values = run.config.model_dump(mode="json") | {"decode_params": {"stretch": [40, 90]}}
    (root,) = {image.path.parent.parent for image in run.split.train}
    stretched = train([root], tmp_path / "run", make_config(values)).run
    card = export(stretched, out, replace(FP32, limits=Limits(0, 0))).card
    assert card.decode_params.stretch == (40, 90)
    assert card.fidelity is not None
    assert card.fidelity.bit_flip_rate == 0


def test_golden_tiles_are_the_packages_own_and_none_of_the_users_images(
    run: Run, out: Path
) -> None:
    for record in export(run, out, FP32).card.golden:
        tile = to_tile(demo_tiles(record.name)[0], 64)
        np.testing.assert_array_equal(record.tile(), tile)


@pytest.mark.parametrize("limits", [Limits(max_bit_flips=-1), Limits(max_map_drop=-2)])
def test_a_file_beyond_a_limit_is_not_written_but_its_report_is(
    run: Run, out: Path, limits: Limits
) -> None:
    error = r"% of the bits differ .* map@20 goes from \d\.\d+ to \d.*fidelity\.html"
    with pytest.raises(FidelityError, match=error):
        export(run, out, replace(FP32, limits=limits))
    page, document = (out.with_suffix(f".fidelity.{end}") for end in ("html", "json"))
    assert sorted(out.parent.iterdir()) == [page, document]
    assert "Beyond its limits" in page.read_text()
    written = json.loads(document.read_text())
    assert written["passed"] is False
    assert written["limits"] == {
        "max_bit_flips": limits.max_bit_flips, "max_map_drop": limits.max_map_drop,
    }  # fmt: skip
    assert written["card"]["fidelity"]["images"] == len(run.split.test)


def test_a_report_is_written_where_it_is_asked_for(run: Run, out: Path, tmp_path: Path) -> None:
    report = tmp_path / "page.html"
    assert export(run, out, FP32, report).report == report
    assert "Within its limits" in report.read_text()
    assert json.loads((tmp_path / "page.json").read_text())["passed"] is True
    with pytest.raises(FidelityError, match=rf"see {report}"):
        export(run, out, replace(FP32, limits=Limits(max_bit_flips=-1)), report)


def test_both_limits_must_hold() -> None:
    reference = np.ones((4, 8), np.float32)
    members = np.array([0, 0, 1, 1])
    same = compare(reference, reference, members, ["a", "b"], 0)
    worse = same.model_copy(update={"bit_flip_rate": 0.02})
    assert within_limits(same, Limits(0, 0))
    assert not within_limits(worse, Limits(0.01, 0.005))
    assert within_limits(worse, Limits(0.03, 0.005))
    fallen = same.model_copy(update={"map_at_20": same.map_at_20_reference - 0.01})
    assert not within_limits(fallen, Limits(0.01, 0.005))


def test_a_second_try_with_other_limits_computes_nothing_again(
    run: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FidelityError):
        export(run, out, replace(INT8, limits=Limits(max_bit_flips=-1)))
    for stage in ("_build_graph", "_measure"):
        monkeypatch.setattr(build, stage, None)
    first = export(run, out, replace(INT8, licence="MIT"))
    assert HashModel.load(out).card.licence == "MIT"
    assert first.card.calibration is not None


def test_an_interrupted_export_continues_with_the_graph_that_it_had(
    run: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(FP32, group_pixels=False)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build, "_measure", interrupt)
        with pytest.raises(KeyboardInterrupt):
            export(run, out, options)
    assert not list(out.parent.iterdir())
    monkeypatch.setattr(build, "_build_graph", None)
    export(run, out, options)
    assert HashModel.load(out).golden_drift == 0


def test_kept_stages_are_those_of_the_same_settings_and_undamaged(run: Run, out: Path) -> None:
    export(run, out, FP32)
    stages = StageCache(run, FP32)
    assert StageCache(run, replace(FP32, licence="MIT", limits=Limits())).folder == stages.folder
    others = (
        replace(FP32, precision="int8"),
        replace(FP32, calibration_images=9),
        replace(FP32, group_pixels=not FP32.group_pixels),
    )
    assert all(StageCache(run, other).folder != stages.folder for other in others)
    assert stages.graph() is not None
    assert stages.measured() is not None
    data = bytearray((stages.folder / GRAPH).read_bytes())
    data[len(data) // 2] ^= 1
    (stages.folder / GRAPH).write_bytes(data)
    assert stages.graph() is None
    for name in (GRAPH_RECORD, MEASURED):
        (stages.folder / name).write_text("{}")
    assert stages.graph() is None
    assert stages.measured() is None
    export(run, out, FP32)
    assert stages.graph() is not None


def test_an_export_works_where_stages_cannot_be_kept(run: Run, out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for path in run.path.iterdir():
        if path.is_file():
            (folder / path.name).symlink_to(path)
    (folder / CACHE).write_text("in the way")
    export(folder, out, FP32)
    assert HashModel.load(out).lineage == run.lineage


def test_full_disk_leaves_the_older_file_as_it_was(
    run: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out.write_bytes(b"older")

    def fill(model: onnx.ModelProto, path: Path) -> None:
        path.write_bytes(model.SerializeToString()[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(onnx, "save", fill)
    with pytest.raises(ModelError, match="No space left on device"):
        export(run, out, FP32)
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    assert out.read_bytes() == b"older"


def test_a_folder_that_does_not_exist_is_found_before_the_work(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model file can be written there"):
        export(run, tmp_path / "absent" / "m.onnx", INT8)
    with pytest.raises(InputError, match=r"no report can be written there"):
        export(run, tmp_path / "m.onnx", INT8, tmp_path / "absent" / "page.html")


def test_images_that_have_moved_are_named(run: Run, out: Path) -> None:
    image = run.split.train[0].path
    hidden = image.with_suffix(".hidden")
    image.rename(hidden)
    try:
        with pytest.raises(InputError, match=rf"{image}: this image of .* is missing"):
            export(run, out, INT8)
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

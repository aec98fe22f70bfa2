"""One pixel path: each entry, from training to a query, makes the same bytes of a file."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from scenehash.decode_params import DecodeParams
from scenehash.errors import ConfigurationError, ModelError
from scenehash.ingestion import IngestOptions, ingest, prefetch
from scenehash.model.card import Card
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT
from scenehash.retrieval import pictures, query
from scenehash.scenes import open_scene, read_scene, read_tile
from scenehash.store import CodeStore
from scenehash.tiles import Image
from scenehash_export import build
from scenehash_train import evaluation, finetune, representations
from scenehash_train.augmentation import PLAIN
from scenehash_train.config import make_config
from scenehash_train.data import LabelledImage

from .scenehash.scenes.inputs import planes, png, raster, scene_like

SIZE = 256
PARAMS = {
    "as the files suggest": DecodeParams(),
    "as the run says": DecodeParams("3,2,1", nodata=60.0, stretch=(20.0, 220.0)),
    "one band": DecodeParams("2"),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    image = scene_like(430, 400)
    four = np.concatenate([image[:, :, ::-1], image[:, :, :1]], axis=2)
    with_margin = planes(image).copy()
    with_margin[:, :90, :120] = 0
    (folder / "a.png").write_bytes(png(image))
    cv2.imwrite(str(folder / "a.jpg"), image[:, :, ::-1])
    return {
        "16 bits, four bands": raster(
            folder / "four.tif", planes(four.astype(np.uint16)), names=["B2", "B3", "B4", "B8"],
            tiled=True, compress="deflate",
        ),
        "8 bits with nodata": raster(
            folder / "nodata.tif", with_margin, nodata=0, photometric="RGB"
        ),
        "PNG": folder / "a.png",
        "JPEG": folder / "a.jpg",
    }  # fmt: skip


class Recorder:
    """In place of a session of ONNX Runtime: keeps the tiles that it is given."""

    def __init__(self, session: Any = None) -> None:
        self.tiles: list[Image] = []
        self._session = session

    def run(self, outputs: Any, feeds: dict[str, Image]) -> list[Any]:
        self.tiles += list(feeds["tiles"].copy())
        if self._session is None:
            return [np.zeros((len(feeds["tiles"]), 4), np.float32)]
        found: list[Any] = self._session.run(outputs, feeds)
        return found

    def only(self) -> Image:
        (tile,) = self.tiles
        return tile


@pytest.fixture(scope="module")
def loaded() -> HashModel:
    return HashModel.load()


def recording(loaded: HashModel, params: DecodeParams) -> tuple[HashModel, Recorder]:
    """A model whose card says how files become pixels, and what it is given."""
    recorder = Recorder(loaded._session)
    card = loaded.card.model_copy(update={"decode_params": params})
    model = HashModel(loaded._session, card)
    model._session = recorder
    return model, recorder


def by_training(path: Path, params: DecodeParams, folder: Path) -> Image:
    backbone: Any = SimpleNamespace(identity="b", width=4, with_head=lambda head: head)
    recorder = Recorder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(representations, "export_onnx", lambda *_: None)
        patch.setattr(representations, "open_session", lambda *_: recorder)
        representations.represent([labelled(path)], backbone, SIZE, PLAIN, folder, params=params)
    return recorder.only()


def by_fine_tuning(path: Path, params: DecodeParams) -> Image:
    tiles: list[Image] = []
    network: Any = tiles.extend
    data = finetune.MovingSet(
        np.zeros((1, 1, 4), np.float32), np.zeros(1, np.int64), [labelled(path)], PLAIN, SIZE,
        network, params,
    )  # fmt: skip
    data.batch(np.array([0]), np.array([0]))
    return tiles[0]


def by_evaluating_a_run(path: Path, params: DecodeParams) -> Image:
    tiles: list[Image] = []

    class Network:
        compact = None

        def __call__(self, batch: torch.Tensor) -> torch.Tensor:
            tiles.extend(batch.numpy())
            return torch.zeros((len(batch), 16))

    network: Any = Network()
    evaluation.network_outputs(network, [labelled(path)], SIZE, params=params)
    return tiles[0]


def by_evaluating_a_model(path: Path, params: DecodeParams, loaded: HashModel) -> Image:
    model, recorder = recording(loaded, params)
    evaluation.model_codes(model, [labelled(path)])
    return recorder.only()


def by_calibrating(path: Path, params: DecodeParams) -> Image:
    config = make_config({"decode_params": dataclasses.asdict(params)})
    return next(iter(build._reader([labelled(path)], config, SILENT)("measure ranges")))


def by_ingesting(path: Path, params: DecodeParams, loaded: HashModel, folder: Path) -> Image:
    model, recorder = recording(loaded, params)
    report = ingest([path], folder / "store", model)
    assert len(report.stored) == 1
    return recorder.only()


def by_searching(path: Path, params: DecodeParams, loaded: HashModel, folder: Path) -> Image:
    model, recorder = recording(loaded, params)
    with CodeStore.for_model(folder / "other", model) as store:
        query.read_query(str(path), store, lambda: model)
    return recorder.only()


def by_showing(folder: Path) -> Image:
    """As a hit is shown: read again by what the store noted when it was ingested."""
    with CodeStore.open(folder / "store") as store:
        tile = store.tile(0)
        shown = pictures.tile_pixels(Path(tile.scene), tile.window, tile.decode_params, SIZE)
    assert shown is not None
    return shown


def every_entry(
    path: Path, params: DecodeParams, loaded: HashModel, folder: Path
) -> Iterator[tuple[str, Image]]:
    yield "training", by_training(path, params, folder)
    yield "fine-tuning", by_fine_tuning(path, params)
    yield "evaluation of a run", by_evaluating_a_run(path, params)
    yield "evaluation of a model", by_evaluating_a_model(path, params, loaded)
    yield "calibration", by_calibrating(path, params)
    yield "ingest", by_ingesting(path, params, loaded, folder)
    yield "search", by_searching(path, params, loaded, folder)
    yield "a hit", by_showing(folder)
    yield "the library", read_scene(path, SIZE, params=params).tiles[0]


def labelled(path: Path) -> LabelledImage:
    return LabelledImage(path, (0,), path.name)


@pytest.mark.parametrize("said", PARAMS)
@pytest.mark.parametrize("kind", ["16 bits, four bands", "8 bits with nodata", "PNG", "JPEG"])
def test_every_entry_makes_the_same_bytes_of_a_file(
    files: dict[str, Path], kind: str, said: str, loaded: HashModel, tmp_path: Path
) -> None:
    expected = read_tile(files[kind], SIZE, PARAMS[said])
    assert expected.shape == (SIZE, SIZE, 3)
    assert expected.std() > 5
    for entry, tile in every_entry(files[kind], PARAMS[said], loaded, tmp_path):
        assert np.array_equal(tile, expected), entry


def test_what_a_run_says_of_bands_nodata_and_stretch_changes_the_bytes(
    files: dict[str, Path],
) -> None:
    for path in files.values():
        tiles = [read_tile(path, SIZE, params).tobytes() for params in PARAMS.values()]
        assert len(set(tiles)) == len(PARAMS)


def other_resampling(path: Path, size: int, params: DecodeParams | None = None) -> Image:
    with open_scene(path, params) as scene:
        shown = cv2.resize(scene.overview(10_000), (size, size), interpolation=cv2.INTER_LINEAR)
        return np.asarray(shown, np.uint8)


def other_params(path: Path, *_: object) -> Any:
    return open_scene(path, DecodeParams("1,2,3", stretch=(0.0, 150.0)))


@pytest.mark.parametrize(
    ("entry", "module", "name", "other"),
    [
        ("training", representations, "read_tile", other_resampling),
        ("fine-tuning", finetune, "read_tile", other_resampling),
        ("evaluation of a run", evaluation, "read_tile", other_resampling),
        ("calibration", build, "read_tile", other_resampling),
        ("ingest", prefetch, "open_scene", other_params),
        ("search", query, "open_scene", other_params),
    ],
)
def test_an_entry_that_reads_in_a_way_of_its_own_is_noticed(
    files: dict[str, Path], entry: str, module: Any, name: str, other: Callable[..., Any],
    loaded: HashModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    path = files["16 bits, four bands"]
    expected = read_tile(path, SIZE)
    monkeypatch.setattr(module, name, other)
    different = {
        found
        for found, tile in every_entry(path, DecodeParams(), loaded, tmp_path)
        if not np.array_equal(tile, expected)
    }
    assert entry in different


def test_options_go_before_the_card_one_by_one(
    files: dict[str, Path], loaded: HashModel, tmp_path: Path
) -> None:
    path, card = files["16 bits, four bands"], DecodeParams("3,2,1", stretch=(0.0, 150.0))
    model, recorder = recording(loaded, card)
    ingest([path], tmp_path / "s", model, IngestOptions(params=DecodeParams("B8,B4,B3")))
    expected = read_tile(path, SIZE, DecodeParams("4,3,2", stretch=(0.0, 150.0)))
    assert np.array_equal(recorder.only(), expected)


def test_a_run_and_a_card_refuse_keys_and_values_that_make_no_sense(loaded: HashModel) -> None:
    with pytest.raises(ConfigurationError, match="known are bands, nodata, stretch"):
        make_config({"decode_params": {"band": "3,2,1"}})
    with pytest.raises(ConfigurationError, match="give three"):
        make_config({"decode_params": {"bands": "3,2"}})
    text = loaded.card.model_copy(update={"decode_params": PARAMS["as the run says"]}).to_json()
    assert Card.from_json(text).decode_params == PARAMS["as the run says"]
    (stretch,) = re.findall(r'"stretch":\[[^]]*\]', text)
    for right, wrong in (
        ('"bands":"3,2,1"', '"bands":"3,2"'),
        ('"bands":"3,2,1"', '"band":"3,2,1"'),
        (stretch, '"stretch":[5.0,2.0]'),
    ):
        assert right in text
        with pytest.raises(ModelError, match="the model card cannot be read"):
            Card.from_json(text.replace(right, wrong, 1))


def test_a_run_records_what_was_asked_for_and_an_older_card_says_nothing(loaded: HashModel) -> None:
    asked = {"decode_params": {"bands": "3,2,1", "stretch": [20, 220]}}
    config = make_config(asked)
    written = config.model_dump(mode="json", exclude_none=True)
    assert make_config(written) == config
    assert written["decode_params"] == {"bands": "3,2,1", "stretch": [20.0, 220.0]}
    older = json.loads(loaded.card.to_json())
    del older["decode_params"]
    assert Card.from_json(json.dumps(older)).decode_params == DecodeParams()

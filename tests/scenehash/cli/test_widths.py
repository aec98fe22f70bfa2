"""One model, codes of several widths: a station picks its own."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from scenehash import CodeStore, HashModel
from scenehash.cli.main import build_app
from scenehash.errors import ConfigurationError, LineageError
from scenehash.ingestion import ingest
from scenehash.report.contact_sheet import write_picture
from scenehash.retrieval.query import read_query

from ...scenes import draw

runner = CliRunner()
WIDTHS = (16, 24, 32, 48, 64, 96, 128, 192, 256)
NAMED = ", ".join(map(str, WIDTHS))


@pytest.fixture(scope="module")
def model() -> HashModel:
    return HashModel.load()


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    for seed in range(3):
        (tmp_path / "scenes").mkdir(exist_ok=True)
        write_picture(tmp_path / "scenes" / f"{seed}.png", draw("harbor", seed))
    return tmp_path / "scenes"


def test_a_narrow_code_is_the_first_bits_of_the_whole(model: HashModel) -> None:
    images = [draw(kind, 0) for kind in ("harbor", "forest", "beach")]
    whole = model.encode(images)
    assert model.widths == WIDTHS
    for bits in model.widths:
        assert np.array_equal(model.encode(images, bits=bits), whole[:, : bits // 8])
    with pytest.raises(ConfigurationError, match=f"can be of {NAMED} bits"):
        model.encode(images, bits=40)


def test_a_store_keeps_the_width_that_it_was_made_with(
    model: HashModel, scenes: Path, tmp_path: Path
) -> None:
    with CodeStore.create(tmp_path / "s", model.lineage, 32, model.card.name) as store:
        ingest(sorted(scenes.iterdir()), store, model)
        assert store.codes(np.arange(3)).shape == (3, 4)
        query = read_query(str(scenes / "1.png"), store, lambda: model)
        assert store.search(query.code[np.newaxis], 1)[0][0].distance == 0


def test_a_width_that_the_model_has_not_is_another_lineage(
    model: HashModel, scenes: Path, tmp_path: Path
) -> None:
    with CodeStore.create(tmp_path / "s", model.lineage, 40, model.card.name) as store:
        with pytest.raises(LineageError, match="holds codes of 40 bits, not of"):
            ingest(sorted(scenes.iterdir()), store, model)
        with pytest.raises(LineageError, match="holds codes of 40 bits, not of"):
            read_query(str(scenes / "1.png"), store, lambda: model)


def test_ingest_takes_a_width_and_later_goes_by_the_store(scenes: Path, tmp_path: Path) -> None:
    app, store = build_app(), str(tmp_path / "s")
    first = runner.invoke(app, ["ingest", str(scenes / "0.png"), "--store", store, "--bits", "32"])
    assert first.exit_code == 0, first.output
    again = runner.invoke(app, ["ingest", str(scenes), "--store", store])
    assert again.exit_code == 0, again.output
    with CodeStore.open(store) as opened:
        assert (opened.bits, len(opened)) == (32, 3)
    wider = runner.invoke(app, ["ingest", str(scenes), "--store", store, "--bits", "64"])
    assert wider.exit_code == 1
    assert "holds codes of 32 bits" in wider.stderr
    unknown = runner.invoke(app, ["ingest", str(scenes), "--store", store, "--bits", "40"])
    assert unknown.exit_code == 1
    assert f"40 bits: this model's codes can be of {NAMED} bits" in unknown.stderr
    made = runner.invoke(app, ["ingest", str(scenes), "--store", str(tmp_path / "new")])
    assert made.exit_code == 0, made.output
    with CodeStore.open(tmp_path / "new") as opened:
        assert opened.bits == 64

"""train and evaluate, as a user gives them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from scenehash.cli.exit_status import EXIT_SET_ASIDE
from scenehash.errors import ConfigurationError, InputError
from scenehash_train.cli import register
from scenehash_train.config import make_config
from scenehash_train.data import Collection, read_archive
from scenehash_train.runs import CONFIG, SPLIT, start_run
from scenehash_train.training import train

from .test_data import make_archive

runner = CliRunner()


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    register(app)
    return app


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests here: their images are the same, and extracting takes seconds."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def archive(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCENEHASH_CACHE", str(cache))
    return make_archive(tmp_path / "data", {"field": 10, "forest": 10})


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "small.json"
    values = {"bits": 24, "tile_size": 32, "settings": {"steps": 20, "batch": 8, "hidden": 16}}
    path.write_text(json.dumps(values))
    return path


@pytest.mark.slow
def test_train_then_evaluate(
    app: typer.Typer, archive: Path, settings: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "run")
    command = ["train", str(archive), "--out", out, "--config", str(settings), "--bits", "16"]
    trained = runner.invoke(app, [*command, "--json"])
    assert trained.exit_code == 0, trained.output
    document = json.loads(trained.stdout)
    assert document["bits"] == 16
    assert (document["train_images"], document["test_images"]) == (12, 8)
    shown = runner.invoke(app, ["evaluate", out, str(archive), "--json"])
    assert shown.exit_code == 0, shown.output
    evaluated = json.loads(shown.stdout)
    assert evaluated["lineage"] == document["lineage"]
    assert {name: evaluated[name] for name in document["quality"]} == pytest.approx(
        document["quality"]
    )
    again = runner.invoke(app, [*command, "--json"])
    assert json.loads(again.stdout)["lineage"] == document["lineage"]
    assert "finished already" in again.stderr


@pytest.mark.slow
def test_a_bad_image_is_named_and_the_rest_goes_on(
    app: typer.Typer, archive: Path, settings: Path, tmp_path: Path
) -> None:
    (archive / "field" / "bad.jpg").write_bytes(b"")
    command = ["train", str(archive), "--out", str(tmp_path / "run"), "--config", str(settings)]
    trained = runner.invoke(app, [*command, "--json"])
    assert trained.exit_code == EXIT_SET_ASIDE
    assert "bad.jpg: the file is empty" in trained.stderr
    (aside,) = json.loads(trained.stdout)["set_aside"]
    assert aside["path"].endswith("bad.jpg")


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        (["--bits", "20"], ConfigurationError, "20 bits"),
        (["--recipe", "magic"], ConfigurationError, "unknown recipe 'magic'"),
        (["--backbone", "resnet9000"], ConfigurationError, "unknown backbone 'resnet9000'"),
        (["--config", "gone.json"], ConfigurationError, "gone.json: cannot be read"),
    ],
)
def test_options_that_make_no_sense_say_so(
    app: typer.Typer, archive: Path, options: list[str], error: type[Exception], said: str
) -> None:
    result = runner.invoke(app, ["train", str(archive), *options])
    assert isinstance(result.exception, error)
    assert said in str(result.exception)


def test_evaluating_nothing_says_so(app: typer.Typer, archive: Path, tmp_path: Path) -> None:
    result = runner.invoke(app, ["evaluate", str(tmp_path / "none.onnx"), str(archive)])
    assert isinstance(result.exception, InputError)


@pytest.mark.slow
def test_a_run_killed_while_it_was_begun_is_begun_again(archive: Path, tmp_path: Path) -> None:
    config = make_config({"bits": 16, "tile_size": 32, "settings": {"steps": 5, "batch": 8}})
    data = Collection((read_archive(archive),))
    out = tmp_path / "run"
    start_run(out, config, data, data.split(0))
    (out / CONFIG).unlink()
    (out / SPLIT).write_text("{}")
    (out / ".config.json.1-1.partial").write_text('{"rec')
    run = train([archive], out, config).run
    assert len(run.split.train) == 12


def test_the_commands_need_no_torch_to_be_shown() -> None:
    program = (
        "import sys, scenehash_train.cli; "
        "print(sorted({'torch', 'onnxruntime', 'cv2', 'numpy'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"

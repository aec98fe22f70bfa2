"""Groups of options: what they ask for without any is what the library does by default."""

import ast
import sys
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path

import pytest

from scenehash.cli.backups import backup_command
from scenehash.cli.bench import BenchChoice
from scenehash.cli.choices import CropChoice, DecodeChoice, FilterChoice, IngestChoice, TileChoice
from scenehash.cli.search import FilesChoice
from scenehash.cli.watch import SinkChoice, WatchChoice
from scenehash.decode_params import DecodeParams
from scenehash.diagnose.bench.settings import BenchSettings
from scenehash.errors import ConfigurationError
from scenehash.ingestion import IngestOptions
from scenehash.report.search_files import SearchFiles
from scenehash.retrieval.crop import Crop
from scenehash.store import Filter
from scenehash.store.backups.backup import back_up
from scenehash.tiling import Tiling
from scenehash.watcher.options import SinkOptions, WatchOptions

ROOT = Path(__file__).parents[3]
# Lines of a command's body: parse, call one function, print.
LONGEST_BODY = 30


def test_the_defaults_of_the_commands_are_those_of_the_library() -> None:
    assert IngestChoice().options() == IngestOptions()
    assert WatchChoice().options(IngestOptions()) == WatchOptions(ingest=IngestOptions())
    assert SinkChoice().options() == SinkOptions(sys.stdout)
    assert vars(BenchChoice()) == vars(BenchSettings())
    assert DecodeChoice().params() == DecodeParams()
    assert TileChoice().tiling() == Tiling()
    assert CropChoice().crop([]) == Crop(params=DecodeParams(), tiling=Tiling())
    assert FilterChoice().filter() == Filter()
    assert FilesChoice().files() == SearchFiles()
    assert default(backup_command, "keep") == default(back_up, "keep")


def default(function: Callable[..., object], parameter: str) -> object:
    return signature(function).parameters[parameter].default


@pytest.mark.parametrize(
    ("tile", "pixels", "metres"), [("512", 512, None), ("300m", None, 300.0), ("0.5m", None, 0.5)]
)
def test_a_tile_is_so_many_pixels_or_metres(
    tile: str, pixels: int | None, metres: float | None
) -> None:
    assert TileChoice(tile, whole=True).tiling() == Tiling(pixels, metres, whole=True)


@pytest.mark.parametrize("tile", ["many", "m", "5km", "1.5", "0", "0m", "-1m", "nanm", "infm"])
def test_a_tile_of_no_size_is_refused(tile: str) -> None:
    with pytest.raises(ConfigurationError):
        TileChoice(tile).tiling()


@pytest.mark.parametrize("label", ["", " ", "\t\n"])
def test_a_label_of_no_word_is_refused(label: str) -> None:
    with pytest.raises(ConfigurationError, match="label"):
        IngestOptions(labels=("harbor", label))


def test_a_file_in_a_folder_without_a_name_gets_no_label() -> None:
    options = IngestOptions(labels=("sea",), label_from_folder=True)
    assert options.labels_of(Path("/a.tif")) == ("sea",)
    assert options.labels_of(Path("/quay/a.tif")) == ("sea", "quay")


def bodies() -> Iterator[tuple[str, int]]:
    """Each command's function, and the lines of its body without the help text."""
    for top in ("edge_runtime/scenehash/cli", "train/scenehash_train", "export/scenehash_export"):
        for path in sorted((ROOT / top).glob("*.py")):
            for found in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(found, ast.FunctionDef) and found.name.endswith("_command"):
                    own = found.body[ast.get_docstring(found) is not None :]
                    lines = sum((one.end_lineno or 0) - one.lineno + 1 for one in own)
                    yield f"{path.stem} {found.name.removesuffix('_command')}", lines


def test_commands_are_thin() -> None:
    found = dict(bodies())
    assert len(found) > 25
    assert {name: lines for name, lines in found.items() if lines > LONGEST_BODY} == {}

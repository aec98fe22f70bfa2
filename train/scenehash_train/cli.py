"""`scenehash train` and `scenehash evaluate`. Their heavy imports happen when they run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenehash.cli.console import CONSOLE, AsJson, notice, report
from scenehash.cli.exit_status import EXIT_SET_ASIDE
from scenehash.cli.register import continuing, register_command

from . import data_cli

if TYPE_CHECKING:
    from collections.abc import Sequence

LAYOUT = "a folder with one folder per class, or with a labels.csv or labels.json"

DataFolder = Annotated[Path, typer.Argument(help=f"Use the test images of {LAYOUT}.")]
DataFolders = Annotated[
    list[Path], typer.Argument(metavar="DATA", help=f"Train on {LAYOUT}; may be several.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    lines = ("scenehash train DATA --out runs/mine", "scenehash train DATA --bits 128 --seed 1")
    register_command(app, train_command, *lines)
    lines = ("scenehash evaluate runs/mine DATA", "scenehash evaluate m.onnx DATA")
    register_command(app, evaluate_command, *lines)
    data_cli.register(app)


@continuing
def train_command(
    data: DataFolders,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Write the run to this folder.", show_default="runs/DATA-RECIPE-BITS-SEED"
        ),
    ] = None,
    bits: Annotated[
        int | None, typer.Option(help="Train codes of this many bits.", show_default="64")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Set the seed of the split and the training.", show_default="0"),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Choose the recipe: centres, or mhcln (the paper's recipe).",
            show_default="centres",
        ),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="Train on efficientnet_lite0, _lite1 or _lite2, each also as "
            "NAME:CHECKPOINT_FILE; or on timm:NAME.",
            show_default="efficientnet_lite0",
        ),
    ] = None,
    tile_size: Annotated[
        int | None, typer.Option(help="Set the side of a tile in pixels.", show_default="256")
    ] = None,
    finetune: Annotated[
        bool | None,
        typer.Option(
            "--finetune/--frozen",
            help="Also train the backbone's last blocks, in a third phase.",
            show_default="frozen",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="Read settings from this JSON file, such as the config.json of a run; options on "
            "the command line override it."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a hash head on labelled images.

    After an interruption, run the same command again: it continues.
    """
    from scenehash_train import train

    from .config import make_config, read_config

    given = {"bits": bits, "seed": seed, "recipe": recipe, "backbone": backbone}
    given["tile_size"] = tile_size
    values: dict[str, Any] = read_config(config) if config else {}
    values |= {key: value for key, value in given.items() if value is not None}
    if finetune is not None:
        values["finetune"] = (values.get("finetune") or {}) if finetune else None
    trained = train(data, out, make_config(values), CONSOLE)
    run = trained.run
    times = ", ".join(f"{stage} {value:.1f} s" for stage, value in run.seconds.items())
    report(
        trained.document(),
        as_json,
        f"{run.path}: lineage {run.lineage} ({times})",
        _in_words(run.quality),
        f"next: scenehash export {run.path}",
    )
    _end_with_set_aside(trained.archives.set_aside)


def evaluate_command(
    model: Annotated[Path, typer.Argument(help="Evaluate this model file (.onnx) or run folder.")],
    data: DataFolder,
    seed: Annotated[
        int | None,
        typer.Option(help="Set the seed of the split.", show_default="the seed of the training"),
    ] = None,
    bits: Annotated[
        int | None,
        typer.Option(help="Evaluate this many leading bits of each code.", show_default="all"),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Hash with this many threads.", show_default="all cores"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure retrieval quality on the test part of an archive.

    Each test image is a query among all other test images, by Hamming distance. With the default
    seed, the model was not trained on any test image.
    """
    from scenehash_train import evaluate

    evaluation = evaluate(model, data, seed, bits, threads, CONSOLE)
    if evaluation.has_seen_images:
        notice(
            "warning: this model was trained on some of the test images: its split had the seed "
            f"{evaluation.evaluated.data.split_seed}, not {evaluation.seed}"
        )
    document = {"model": str(model)} | evaluation.document()
    worst = list(evaluation.by_class().items())[:3]
    hardest = "lowest precision: " + ", ".join(f"{name} {value:.2f}" for name, value in worst)
    asked = f"{model}: {evaluation.images} test images, each a query among the others"
    report(document, as_json, asked, _in_words(evaluation.quality.as_dict()), hardest)
    _end_with_set_aside(evaluation.archive.set_aside)


def _in_words(quality: dict[str, float]) -> str:
    return "   ".join(f"{name} {value:.4f}" for name, value in quality.items())


def _end_with_set_aside(set_aside: "Sequence[tuple[Path, str]]") -> None:
    for path, reason in set_aside:
        notice(f"set aside: {path}: {reason}")
    if set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)

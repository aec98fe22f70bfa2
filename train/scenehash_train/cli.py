"""`scenehash train` and `scenehash evaluate`; what they need is loaded when they run.

`scenehash data` is in data_commands.py.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenehash.cli.console import EXIT_SET_ASIDE, AsJson, notice, report
from scenehash.errors import MissingExtraError

from . import data_cli as data_commands

if TYPE_CHECKING:
    from .data import Archive, Collection

MODEL_SUFFIX = ".onnx"

DataFolder = Annotated[
    Path,
    typer.Argument(
        help="A folder that has a folder for each class, or a labels.csv or labels.json."
    ),
]
DataFolders = Annotated[
    list[Path],
    typer.Argument(
        help="Folders that have a folder for each class, or a labels.csv or labels.json; one an "
        "archive."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("train")(train_command)
    app.command("evaluate")(evaluate_command)
    data_commands.register(app)


def train_command(
    data: DataFolders,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The run folder.", show_default="runs/DATA-RECIPE-BITS-SEED"),
    ] = None,
    bits: Annotated[int | None, typer.Option(help="Width of a code.", show_default="64")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the split and the training.", show_default="0")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="centres, or mhcln: the paper's.", show_default="centres")
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="efficientnet_lite0, _lite1, _lite2, each with :CHECKPOINT, or timm:NAME.",
            show_default="efficientnet_lite0",
        ),
    ] = None,
    tile_size: Annotated[
        int | None, typer.Option(help="Side of a tile in pixels.", show_default="256")
    ] = None,
    finetune: Annotated[
        bool | None,
        typer.Option(
            "--finetune/--frozen",
            help="Train the backbone's last blocks too, in a third phase.",
            show_default="frozen",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="A JSON file such as a run's config.json; options given here go before."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a hash head on labelled images; an interrupted run goes on where it stopped."""
    _require_torch()
    from .backbones import check_backbone
    from .config import make_config, read_config
    from .training import train

    given = {"bits": bits, "seed": seed, "recipe": recipe, "backbone": backbone}
    given["tile_size"] = tile_size
    values: dict[str, Any] = read_config(config) if config else {}
    values |= {key: value for key, value in given.items() if value is not None}
    if finetune is not None:
        values["finetune"] = (values.get("finetune") or {}) if finetune else None
    checked = make_config(values)
    check_backbone(checked.backbone)
    names = "+".join(folder.resolve().name for folder in data)
    name = f"{names}-{checked.method}-{checked.bits}-seed{checked.seed}"
    run, archives = train(data, out or Path("runs") / name, checked)
    document = {
        "run": str(run.path),
        "lineage": run.lineage,
        "bits": checked.bits,
        "widths": list(checked.widths),
        "recipe": checked.method,
        "classes": len(run.classes),
        "train_images": len(run.split.train),
        "test_images": len(run.split.test),
        "set_aside": [{"path": str(path), "reason": why} for path, why in archives.set_aside],
        "quality": run.quality,
        "seconds": {stage: round(value, 1) for stage, value in run.seconds.items()},
    }
    times = ", ".join(f"{stage} {value:.1f} s" for stage, value in run.seconds.items())
    report(
        document,
        as_json,
        f"{run.path}: lineage {run.lineage} ({times})",
        _in_words(run.quality),
        f"next: scenehash export {run.path}",
    )
    _end_with_set_aside(archives)


def evaluate_command(
    model: Annotated[Path, typer.Argument(help="A model file (.onnx), or a run folder.")],
    data: DataFolder,
    seed: Annotated[
        int | None,
        typer.Option(help="Of the split; without it, the one that the model was trained with."),
    ] = None,
    bits: Annotated[
        int | None,
        typer.Option(help="Judge the first so many bits of a code.", show_default="all"),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads for hashing.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Measure retrieval quality on the test part of a data set.

    Each test image queries the others, by Hamming distance. A model is not measured on images that
    trained it, as long as the split is the one that it was trained with.
    """
    _require_torch()
    from .evaluation import judge

    judged = judge(model, data, seed, threads, bits)
    if judged.has_seen_images:
        notice(
            f"warning: the model was trained on images of this data, split by seed "
            f"{judged.subject.data.split_seed}; by seed {judged.seed} some of them judge it now"
        )
    document = {"model": str(model)} | judged.document()
    worst = list(judged.by_class().items())[:3]
    hardest = "lowest precision: " + ", ".join(f"{name} {value:.2f}" for name, value in worst)
    report(document, as_json, str(model), _in_words(judged.quality.as_dict()), hardest)
    _end_with_set_aside(judged.archive)


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("torch", "train") from error


def _in_words(quality: dict[str, float]) -> str:
    return "   ".join(f"{name} {value:.4f}" for name, value in quality.items())


def _end_with_set_aside(archive: "Archive | Collection") -> None:
    for path, reason in archive.set_aside:
        notice(f"set aside: {path}: {reason}")
    if archive.set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)

"""`scenehash export`; what it needs is loaded when it runs."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenehash.cli.console import AsJson, report
from scenehash.cli.help import examples
from scenehash.errors import MissingExtraError

if TYPE_CHECKING:
    from scenehash.model.card import Card

    from .build import Exported


class Precision(StrEnum):
    """Of weights and activations."""

    INT8 = "int8"
    FP32 = "fp32"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    epilog = examples(
        "scenehash export runs/mine --out model.onnx",
        "scenehash export runs/mine --precision fp32 --report fidelity.html",
    )
    app.command("export", epilog=epilog)(export_command)


def export_command(
    run: Annotated[Path, typer.Argument(help="A run folder, as `scenehash train` makes it.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The model file.", show_default="RUN/model-PRECISION.onnx"),
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="Of weights and activations; int8 is about twice as fast.")
    ] = Precision.INT8,
    calibration_images: Annotated[
        int, typer.Option(min=1, help="Training images that the INT8 ranges are taken from.")
    ] = 256,
    max_bit_flips: Annotated[
        float, typer.Option(help="Fail when a larger fraction of bits differs from FP32.")
    ] = 0.01,
    max_map_drop: Annotated[
        float, typer.Option(help="Fail when map@20 falls by more than this.")
    ] = 0.005,
    group_pixels: Annotated[
        bool,
        typer.Option(
            help="Let the first convolution take four pixels as one: the same codes, a tenth "
            "faster in ONNX Runtime, slower in others."
        ),
    ] = True,
    page: Annotated[
        Path | None,
        typer.Option(
            "--report", help="Write the fidelity report to this HTML file.", show_default=False
        ),
    ] = None,
    licence: Annotated[
        str, typer.Option(help="Under which others may use the file; the card says so.")
    ] = "not stated",
    as_json: AsJson = False,
) -> None:
    """Write a run as one model file, and compare it with the run.

    The export fails when it departs too far from the network that was trained.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "export") from error
    from scenehash_train.runs import Run

    from .build import export_run
    from .fidelity import Threshold

    target = out or run / f"model-{precision.value}.onnx"
    threshold = Threshold(max_bit_flips, max_map_drop)
    exported = export_run(
        Run.open(run),
        target,
        precision.value,
        threshold,
        calibration_images,
        licence,
        group_pixels,
    )
    if page is not None:
        from .fidelity_report import write_page

        write_page(exported.card, exported.operators, page)
    report(_document(exported), as_json, *_lines(exported))


def _document(exported: "Exported") -> dict[str, Any]:
    return {
        "model": str(exported.path),
        "bytes": exported.path.stat().st_size,
        "operators": exported.operators,
        "card": exported.card.summary(),
    }


def _lines(exported: "Exported") -> list[str]:
    card, fidelity = exported.card, exported.card.fidelity
    assert fidelity is not None
    quality = "   ".join(f"{name} {value:.4f}" for name, value in card.quality.items())
    return [
        f"{exported.path}: {card.precision}, {card.bits} bits, lineage {card.lineage}, "
        f"{exported.path.stat().st_size / 1e6:.1f} MB",
        f"against the network in PyTorch, on {fidelity.images} test images: "
        f"{fidelity.bit_flip_rate:.2%} of bits flipped, {fidelity.codes_unchanged:.1%} of codes "
        f"unchanged, map@20 {fidelity.map_at_20_reference:.4f} -> {fidelity.map_at_20:.4f}",
        *_trial_lines(card),
        quality,
        "runs as: " + ", ".join(f"{count} {name}" for name, count in exported.operators.items()),
    ]


def _trial_lines(card: "Card") -> list[str]:
    if card.calibration is None:
        return []
    record = card.calibration
    lines = [f"INT8 tried on {record.held_out} held-out train images; taken: {record.method}"]
    for trial in record.trials:
        kind = f"{trial.method}, {trial.rounding}"
        if trial.float_layers:
            kind += f", {trial.float_layers} layers in FP32"
        lines.append(
            f"  {kind:36} {trial.logit_snr_db:5.1f} dB signal to noise, "
            f"{trial.bit_flip_rate:.3%} of bits, {trial.milliseconds:.2f} ms"
        )
    return lines

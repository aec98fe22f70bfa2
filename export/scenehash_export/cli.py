"""`scenehash export`. Its heavy imports happen when it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.cli.console import CONSOLE, AsJson, report
from scenehash.cli.register import continuing, register_command

from .options import ExportOptions, Limits, Precision

if TYPE_CHECKING:
    from scenehash.model.card import Card

    from .build import Exported

DEFAULTS = ExportOptions()


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    register_command(
        app,
        export_command,
        "scenehash export runs/mine --out model.onnx",
        "scenehash export runs/mine --precision fp32 --report fidelity.html",
    )


@continuing
def export_command(
    run: Annotated[Path, typer.Argument(help="Export this run folder of `scenehash train`.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Write this model file.", show_default="RUN/model-PRECISION.onnx"
        ),
    ] = None,
    precision: Annotated[
        Precision,
        typer.Option(help="Set the type of weights and activations; int8 is about twice as fast."),
    ] = DEFAULTS.precision,
    calibration_images: Annotated[
        int, typer.Option(min=1, help="Calibrate the INT8 ranges on this many training images.")
    ] = DEFAULTS.calibration_images,
    max_bit_flips: Annotated[
        float, typer.Option(help="Fail when a larger fraction of bits differs from FP32.")
    ] = DEFAULTS.limits.max_bit_flips,
    max_map_drop: Annotated[
        float, typer.Option(help="Fail when map@20, 0 to 1, falls by more than this from FP32.")
    ] = DEFAULTS.limits.max_map_drop,
    group_pixels: Annotated[
        bool,
        typer.Option(
            help="Combine four pixels in the first convolution, which gives the same codes 10 % "
            "faster in ONNX Runtime, but is slower in other runtimes."
        ),
    ] = DEFAULTS.group_pixels,
    page: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Write the fidelity report to this HTML file, and to a JSON file next to it.",
            show_default="only on failure",
        ),
    ] = None,
    licence: Annotated[str, typer.Option(help="Name this licence in the card.")] = DEFAULTS.licence,
    as_json: AsJson = False,
) -> None:
    """Write a run as one model file, and check the file.

    The command compares the file with the trained network on the test images. It fails if too many
    bits flip, or if map@20 falls too far. It then writes the report, and keeps its stages: with
    other limits, the same command takes seconds.
    """
    from scenehash_export import export

    options = ExportOptions(
        precision=precision,
        calibration_images=calibration_images,
        group_pixels=group_pixels,
        licence=licence,
        limits=Limits(max_bit_flips, max_map_drop),
    )
    exported = export(run, out, options, page, CONSOLE)
    report(exported.document(), as_json, *_lines(exported))


def _lines(exported: "Exported") -> list[str]:
    card, fidelity = exported.card, exported.card.fidelity
    assert fidelity is not None
    quality = "   ".join(f"{name} {value:.4f}" for name, value in card.quality.items())
    return [
        f"{exported.path}: {card.precision}, {card.bits} bits, lineage {card.lineage}, "
        f"{exported.path.stat().st_size / 1e6:.1f} MB",
        f"compared with the network in PyTorch on {fidelity.images} test images: "
        f"{fidelity.bit_flip_rate:.2%} of bits flipped, {fidelity.codes_unchanged:.1%} of codes "
        f"unchanged, map@20 {fidelity.map_at_20_reference:.4f} -> {fidelity.map_at_20:.4f}",
        *_trial_lines(card),
        quality,
        "operators of ONNX Runtime: "
        + ", ".join(f"{name} {count}" for name, count in exported.operators.items()),
    ]


def _trial_lines(card: "Card") -> list[str]:
    if card.calibration is None:
        return []
    record = card.calibration
    lines = [
        f"INT8 methods compared on {record.held_out} held-out training images; chosen: "
        f"{record.method}"
    ]
    for trial in record.trials:
        kind = f"{trial.method}, {trial.rounding}"
        if trial.float_layers:
            kind += f", {trial.float_layers} layers in FP32"
        lines.append(
            f"  {kind:36} {trial.logit_snr_db:5.1f} dB signal to noise, "
            f"{trial.bit_flip_rate:.3%} of bits, {trial.milliseconds:.2f} ms"
        )
    return lines

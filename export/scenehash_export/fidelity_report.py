"""The fidelity report as one HTML page with its plots, and as JSON."""

import base64
import html
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib as mpl

from scenehash.files import write_text
from scenehash.model.card import CalibrationRecord, Card, FidelityRecord

from .options import Limits

mpl.use("Agg")
from matplotlib import pyplot

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
td, th { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child { text-align: left }
img { max-width: 100% }
"""


def write_report(
    card: Card, operators: dict[str, int], limits: Limits, passed: bool, path: Path
) -> None:
    """Write the fidelity in a card as an HTML page, and as a JSON file beside it.

    operators: those that onnxruntime runs, with their numbers. passed: whether the file is within
    the limits. Raises InputError when a file cannot be written.
    """
    document = {
        "passed": passed,
        "limits": asdict(limits),
        "operators": operators,
        "card": card.summary(),
    }
    write_text(path.with_suffix(".json"), json.dumps(document, indent=1) + "\n")
    write_text(path, _page(card, operators, limits, passed))


def _page(card: Card, operators: dict[str, int], limits: Limits, passed: bool) -> str:
    fidelity = card.fidelity
    assert fidelity is not None
    parts = [
        f"<h1>{html.escape(card.name)}: fidelity</h1>",
        f"<p>{card.precision}, {card.bits} bits, lineage {card.lineage}. Compared with the FP32 "
        f"network in PyTorch on {fidelity.images} test images of "
        f"{html.escape(card.data.name)}.</p>",
        f"<p>{'Within its limits.' if passed else '<b>Beyond its limits: not exported.</b>'}</p>",
        _table(("", "FP32 network", "this file", "limit"), _summary(fidelity, limits)),
        f"<p>Runs as {', '.join(f'{count} {name}' for name, count in operators.items())}.</p>",
    ]
    if fidelity.flips_by_bit:
        parts += ["<h2>Bits that flip</h2>", _figure(_draw_bits, fidelity)]
    if fidelity.flips_by_class:
        height = 1 + 0.2 * len(fidelity.flips_by_class)
        parts.append(_figure(_draw_classes, fidelity, height))
    if card.calibration and card.calibration.trials:
        parts += ["<h2>Calibration</h2>", *_calibration(card.calibration)]
    if card.calibration and card.calibration.layers:
        parts += ["<h2>Layers</h2>", _figure(_draw_layers, card.calibration)]
    body = "\n".join(parts)
    title = html.escape(card.name)
    return (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>{title}: fidelity</title>"
        f"<style>{STYLE}</style>\n<body>\n{body}\n</body></html>\n"
    )


def _summary(fidelity: FidelityRecord, limits: Limits) -> Iterable[Sequence[str]]:
    lowest = f"{fidelity.map_at_20_reference - limits.max_map_drop:.4f} or more"
    yield "map@20", f"{fidelity.map_at_20_reference:.4f}", f"{fidelity.map_at_20:.4f}", lowest
    yield "bits flipped", "", f"{fidelity.bit_flip_rate:.2%}", f"{limits.max_bit_flips:.2%} or less"
    yield "codes unchanged", "", f"{fidelity.codes_unchanged:.1%}", ""
    yield "signal to noise of the logits", "", f"{fidelity.logit_snr_db:.1f} dB", ""
    yield "logits smaller than the noise", f"{fidelity.logits_near_zero:.2%}", "", ""


def _calibration(record: CalibrationRecord) -> Iterable[str]:
    yield (
        f"<p>Ranges from {record.images} training images, compared on {record.held_out} others. "
        f"Chosen: {record.method}.</p>"
    )
    rows = (
        (
            trial.method,
            trial.rounding,
            str(trial.float_layers),
            f"{trial.logit_snr_db:.1f} dB",
            f"{trial.bit_flip_rate:.3%}",
            f"{trial.milliseconds:.2f} ms",
        )
        for trial in record.trials
    )
    heads = ("method", "rounding", "FP32 layers", "signal to noise", "bits flipped", "one tile")
    yield _table(heads, rows)
    if record.float_layers:
        yield f"<p>In FP32: {html.escape(', '.join(record.float_layers))}.</p>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["".join(f"<th>{html.escape(head)}</th>" for head in heads)]
    lines += ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _figure(draw: Callable[[Any, Any], None], record: object, height: float = 3.4) -> str:
    figure, axes = pyplot.subplots(figsize=(10, height), layout="constrained")
    draw(axes, record)
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    pyplot.close(figure)
    return f'<img src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def _draw_bits(axes: Any, fidelity: FidelityRecord) -> None:
    axes.bar(range(len(fidelity.flips_by_bit)), [100 * rate for rate in fidelity.flips_by_bit])
    axes.axhline(100 * fidelity.bit_flip_rate, color="0.4", linewidth=1)
    axes.set(xlabel="bit", ylabel="% of images in which it flips")


def _draw_classes(axes: Any, fidelity: FidelityRecord) -> None:
    names = sorted(fidelity.flips_by_class, key=fidelity.flips_by_class.__getitem__)
    axes.barh(names, [100 * fidelity.flips_by_class[name] for name in names])
    axes.axvline(100 * fidelity.bit_flip_rate, color="0.4", linewidth=1)
    axes.margins(y=0.01)
    axes.set(xlabel="% of the class's bits that flip")


def _draw_layers(axes: Any, record: CalibrationRecord) -> None:
    for operator, grouped, marker in (
        ("Conv", False, "o"),
        ("Conv", True, "^"),
        ("Gemm", False, "s"),
    ):
        chosen = [
            (index, layer.snr_db)
            for index, layer in enumerate(record.layers)
            if (layer.operator, layer.groups > 1) == (operator, grouped)
        ]
        if chosen:
            label = f"grouped {operator}" if grouped else operator
            axes.plot(*zip(*chosen, strict=True), marker, label=label, markersize=5)
    axes.plot([layer.snr_db for layer in record.layers], color="0.8", zorder=0)
    axes.set(xlabel="layer, in the order of the graph", ylabel="signal to noise, dB")
    axes.legend(frameon=False)

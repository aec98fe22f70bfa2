"""`scenehash adapt`"""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.files import check_output, path_text

from .console import CONSOLE, AsJson, report
from .exit_status import EXIT_FAILED
from .options import ModelPath, StorePath
from .register import register_command

if TYPE_CHECKING:
    from scenehash.adaptation import Adapted


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    register_command(
        app,
        adapt_command,
        "scenehash adapt --store my.store --out adapted.onnx",
        "scenehash adapt --store my.store --model open --out adapted.onnx --json",
    )


def adapt_command(
    store: StorePath,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write the model file here.")],
    model: ModelPath = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Write the file even if the codes are not better.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, help="Set the seed for the random choice of tiles.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Fit a model's codes to a store's own tiles.

    The command writes a new model file, and does not change the store. It needs no labels, but uses
    the labels of scenes if there are any. It evaluates the codes on held-out tiles, and writes the
    file only if the codes are better; otherwise the exit status is 1. To give the store the new
    codes, use: scenehash rehash.
    """
    from scenehash.adaptation import adapt
    from scenehash.store import CodeStore

    check_output(out, outside=store)
    with CodeStore.open(store) as code_store:
        adapted = adapt(code_store, out, model, anyway, seed, CONSOLE)
        bits = code_store.bits
    report(adapted.document(), as_json, *_shown(adapted, store, bits))
    if adapted.path is None:
        raise typer.Exit(EXIT_FAILED)


def _shown(adapted: "Adapted", store: Path, bits: int) -> list[str]:
    from scenehash.adaptation.judging import ENOUGH, MOST_UNSTEADY

    record, judgement = adapted.card.adaptation, adapted.judgement
    assert record is not None
    measures = [
        ("agreement with the representation", judgement.agreement),
        ("steadiness under turns, light, crops", judgement.steadiness),
    ]
    lines = [
        f"fitted on {record.tiles:,} tiles, {record.labelled:,} with labels; "
        f"judged on {record.judged:,} other tiles"
    ]
    lines.append(f"  {'share of tiles of known kinds':38} {judgement.familiarity:.3f}")
    for name, measure in measures:
        values = "no scene can be read"
        if measure is not None:
            values = f"{measure.before:.3f} -> {measure.after:.3f}"
        lines.append(f"  {name:38} {values}")
    if adapted.unreachable:
        lines.append(f"{adapted.unreachable:,} tiles left out: their scenes cannot be read")
    verdict = f"estimated gain: {judgement.gain:+.0%}; "
    verdict += "better" if judgement.is_better else "not better: keep the model that you have"
    if judgement.loses_steadiness and judgement.gain >= ENOUGH:
        verdict = (
            f"estimated gain: {judgement.gain:+.0%}, but steadiness fell by more than "
            f"{MOST_UNSTEADY}: not better, keep the model that you have"
        )
    if judgement.is_known:
        verdict = "the model knows these kinds of scene: keep the model that you have"
        if judgement.is_one_kind:
            verdict = (
                "all tiles look like one kind of scene: keep your model, which you need for other "
                "kinds of scene"
            )
    lines.append(verdict)
    out = adapted.path
    if out is None:
        return [*lines, "no file was written; to write it, use --anyway"]
    card = adapted.card
    widths = ", ".join(map(str, card.widths))
    lines.append(f"{out}: codes of {widths} bits, lineage {card.lineage}")
    width = bits if bits in card.widths else card.bits
    files = ["--store", path_text(store), "--model", path_text(out)]
    command = shlex.join(["scenehash", "rehash", *files])
    why = "next" if judgement.is_better else "to use it anyway"
    lines.append(f"{why}, for {width} bits: {command}")
    lines.append(
        "with these codes, a search orders hits by distance alone, without the cosine of "
        "representations"
    )
    return lines

"""`scenehash rehash`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.files import path_text

from .alert import rule_text
from .console import CONSOLE, AsJson, counted, notice, report
from .exit_status import EXIT_SET_ASIDE
from .options import CORES, StorePath, Threads
from .register import continuing, register_command

if TYPE_CHECKING:
    from scenehash.ingestion.rehash import RehashReport


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    register_command(
        app,
        rehash_command,
        "scenehash rehash --store my.store --model adapted.onnx",
        "scenehash rehash --store my.store --moved /mnt/old /mnt/new --require-all",
    )


@continuing
def rehash_command(
    store: StorePath,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            envvar="SCENEHASH_MODEL",
            metavar="FILE",
            help="Change to this model file.",
            show_default="the shipped model",
        ),
    ] = None,
    bits: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Set the code width.",
            show_default="as before, if the model has such codes",
        ),
    ] = None,
    moved: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="OLD NEW",
            help="Search below NEW for scenes that are no longer below OLD.",
        ),
    ] = None,
    require_all: Annotated[
        bool,
        typer.Option("--require-all", help="Change nothing unless every scene can be read."),
    ] = False,
    threads: Threads = CORES,
    as_json: AsJson = False,
) -> None:
    """Give every tile of a store a new code from another model.

    The command uses the kept representations, or reads the scenes again. Meanwhile search and watch
    continue; the change itself is one transaction. Scenes that cannot be read move to a separate
    store inside this store, which stays searchable; the command prints its path. The command
    disables alerts without a readable example. In both cases the exit status is 3. After an
    interruption, run the same command again: it continues.
    """
    from scenehash.ingestion.rehash import rehash

    done = rehash(
        store,
        model,
        bits=bits,
        moved=[] if moved is None else [moved],
        require_all=require_all,
        threads=threads,
        progress=CONSOLE,
    )
    for line in _notices(done):
        notice(line)
    report(done.document(), as_json, _summary(done))
    if done.unreachable or any(one.alert is None for one in done.alerts):
        raise typer.Exit(EXIT_SET_ASIDE)


def _notices(done: "RehashReport") -> list[str]:
    lines = [f"warning: {warning}" for warning in done.warnings]
    lines += [f"moved: {item.previous} -> {path_text(item.path)}" for item in done.moved]
    lines += [f"unreachable: {path_text(item.path)}: {item.reason}" for item in done.unreachable]
    lines += [
        f"codes of an earlier model, in a separate store: scenehash search QUERY --store {path}"
        for path in done.earlier
    ]
    for one in done.alerts:
        state = "disabled" if one.alert is None else rule_text(one.alert)
        lines.append(f"alert {one.name}: {state}")
        lines += [f"alert {one.name}: lost {source}: {reason}" for source, reason in one.lost]
    return lines


def _summary(done: "RehashReport") -> str:
    ways = {
        "from representations": done.from_vectors,
        "from longer codes": done.from_codes,
        "from their files": done.rehashed,
        "moved": len(done.moved),
    }
    parts = [f"{count:,} {way}" for way, count in ways.items() if count]
    back = f", {done.returned:,} of them back from an earlier model" if done.returned else ""
    how = f" ({', '.join(parts)})" if parts else ""
    return (
        f"{done.store}: {counted(done.scenes, 'scene')} rehashed{how}{back} in {done.seconds:.1f} "
        f"s, {len(done.unreachable):,} unreachable; {done.bits} bits of {done.model}, lineage "
        f"{done.lineage}"
    )

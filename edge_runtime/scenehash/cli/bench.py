"""`scenehash bench`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenehash.files import write_text

from .console import CONSOLE, AsJson, notice, report
from .options import CORES, ModelPath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from scenehash.diagnose.bench.compare import Comparison


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("bench")(bench_command)


def bench_command(
    model: ModelPath = None,
    other: Annotated[
        Path | None,
        typer.Option(
            "--other", help="A second export of the same run, such as FP32.", show_default=False
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option("--images", help="A folder of images; without it, the demo's tiles."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many of them.")] = 16,
    repeats: Annotated[int, typer.Option(min=2, help="How often each is timed.")] = 20,
    threads: Annotated[int, typer.Option(min=1, help="Threads for hashing.")] = 1,
    most_threads: Annotated[
        int, typer.Option(min=1, help="Try 1 to so many.", show_default="all cores")
    ] = CORES,
    archive: Annotated[int, typer.Option(min=1, help="Codes to search among.")] = 100_000,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="Length of the sustained run; others follow it.")
    ] = 6.0,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            exists=True,
            file_okay=False,
            help="Write there, to time the disk that the store is on.",
            show_default="the system's temporary folder",
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Write a figure, as SVG.", show_default=False)
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--compare",
            metavar="A.json B.json",
            help="Measure nothing: compare two results of --json.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure every stage on this machine, and say what to set.

    Scenarios are named as MLPerf names them: SingleStream, MultiStream, Offline.
    """
    if compare is not None:
        _compare(*compare, as_json)
        return
    from scenehash.diagnose.bench.plot import draw_stages
    from scenehash.diagnose.bench.run import Settings, run_bench

    settings = Settings(
        model, other, images, count, repeats, threads, most_threads, archive, seconds, folder
    )
    document = run_bench(settings, CONSOLE)
    if plot is not None:
        write_text(plot, draw_stages(document))
        notice(f"figure: {plot}")
    report(document, as_json, *_shown(document))


def _compare(first: Path, second: Path, as_json: bool) -> None:
    from scenehash.diagnose.bench.compare import compare, read_run

    found = compare(read_run(first), read_run(second))
    document = {
        "first": str(first),
        "second": str(second),
        "stages": {
            item.stage: {
                "first_p50_ms": item.first_ms,
                "second_p50_ms": item.second_ms,
                "ratio": item.ratio,
                "interval_95": list(item.interval),
                "verdict": item.verdict,
            }
            for item in found
        },
    }
    report(document, as_json, _comparison_table(found, first, second))


def _shown(document: dict[str, Any]) -> list[Any]:
    scenarios, cold, sustained = (document[key] for key in ("scenarios", "cold_start", "sustained"))
    single, several, offline = (
        scenarios[name] for name in ("SingleStream", "MultiStream", "Offline")
    )
    model = document["model"]
    temperature = sustained["after"]["temperature"]
    energy = sustained["joules_a_scene"]
    return [
        f"{model['name']}, {model['threads']} thread(s), on {document['machine']['processor']}; "
        f"{document['inputs']}; {document['archive']:,} codes to search\n",
        _stage_table(document["stages"]),
        f"\nSingleStream {single['p90_ms']:.2f} ms (p90)   MultiStream {several['p99_ms']:.2f} ms "
        f"(p99, {several['tiles_a_query']} tiles)   Offline {offline['tiles_a_second']:,.0f} "
        "tiles a second\n",
        _grid_table(document["grid"]),
        f"\ncold start: {cold['seconds_to_first_code']:.2f} s to the first code (bare import "
        f"{cold['seconds_to_bare_import']:.2f} s), peak memory {cold['peak_memory_mb']:.0f} MB",
        f"energy: {'no counter' if energy is None else f'{energy:.3f} J a scene'}; temperature: "
        f"{'no sensor' if temperature is None else f'{temperature:.0f} C after'}",
        *document["advice"],
    ]


def _stage_table(stages: dict[str, Any]) -> "Table":
    from rich.table import Table

    table = Table("stage", box=None)
    for head in ("p50", "p90", "p99", "quartiles", "a second", "first"):
        table.add_column(head, justify="right")
    for name, stage in stages.items():
        low, high = stage["quartiles_ms"]
        table.add_row(
            name,
            *(f"{stage[key]:.3f} ms" for key in ("p50_ms", "p90_ms", "p99_ms")),
            f"{low:.3f}-{high:.3f}",
            f"{stage['per_second']:,.0f}",
            f"{stage['warm_up_ms']:.2f} ms",
        )
    return table


def _grid_table(grid: "Sequence[dict[str, Any]]") -> "Table":
    from rich.table import Table

    batches = sorted({cell["batch"] for cell in grid})
    table = Table("ms a tile", *(f"batch {batch}" for batch in batches), box=None)
    for threads in sorted({cell["threads"] for cell in grid}):
        cells = [cell for cell in grid if cell["threads"] == threads]
        table.add_row(f"{threads} thread(s)", *(f"{cell['ms_a_tile']:.2f}" for cell in cells))
    return table


def _comparison_table(found: "Sequence[Comparison]", first: Path, second: Path) -> "Table":
    from rich.table import Table

    table = Table("stage", first.name, second.name, "ratio", "95 % interval", "", box=None)
    for item in found:
        low, high = item.interval
        table.add_row(
            item.stage,
            f"{item.first_ms:.3f} ms",
            f"{item.second_ms:.3f} ms",
            f"{item.ratio:.3f}",
            f"{low:.3f}-{high:.3f}",
            item.verdict,
        )
    return table

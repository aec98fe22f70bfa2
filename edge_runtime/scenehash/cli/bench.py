"""`scenehash bench`"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenehash.diagnose.bench.settings import BenchSettings
from scenehash.files import check_output, write_each, write_text

from .console import CONSOLE, AsJson, counted, report, report_files
from .options import ModelPath
from .register import register_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from scenehash.diagnose.bench.compare import RunComparison

SETTINGS = BenchSettings()


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    register_command(
        app,
        bench_command,
        "scenehash bench --json > here.json",
        "scenehash bench --other model-fp32.onnx",
        "scenehash bench --compare here.json there.json",
    )


@dataclass(frozen=True)
class BenchChoice(BenchSettings):
    """The settings as options."""

    model: ModelPath = SETTINGS.model
    other: Annotated[
        Path | None,
        typer.Option(
            "--other",
            metavar="FILE",
            help="Time this second export of the same run, too, such as an FP32 export.",
        ),
    ] = None
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="FOLDER",
            help="Use the images in this folder.",
            show_default="those of the demo",
        ),
    ] = None
    count: Annotated[int, typer.Option(min=1, metavar="N", help="Use this many images.")] = (
        SETTINGS.count
    )
    repeats: Annotated[
        int, typer.Option(min=2, metavar="N", help="Time each stage this many times.")
    ] = SETTINGS.repeats
    threads: Annotated[
        int, typer.Option(min=1, metavar="N", help="Hash with this many threads.")
    ] = SETTINGS.threads
    most_threads: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Try from 1 to this many threads.", show_default="all cores"
        ),
    ] = SETTINGS.most_threads
    archive: Annotated[
        int, typer.Option(min=1, metavar="N", help="Search an archive of this many codes.")
    ] = SETTINGS.archive
    seconds: Annotated[
        float,
        typer.Option(
            min=0.1, metavar="SECONDS", help="Run for this long, to see what is sustained."
        ),
    ] = SETTINGS.seconds
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Write test files in this folder, to time the store's disk.",
            show_default="the system's temporary folder",
        ),
    ] = None


def bench_command(
    settings: BenchChoice,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Write a figure, as SVG.")
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--compare",
            metavar="A.json B.json",
            help="Compare two results of --json, and measure nothing.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure every stage on this machine, and recommend settings.

    The percentiles p50, p90 and p99 describe the warm times of one tile; the first run is cold. The
    scenarios come from MLPerf: SingleStream hashes one tile at a time, MultiStream eight tiles, and
    Offline all tiles at once.
    """
    if compare is not None:
        from scenehash.diagnose.bench.compare import compare_runs

        found = compare_runs(*compare)
        lines = [found.precision] if found.precision else []
        report(found.document(), as_json, _comparison_table(found), *lines)
        return
    from scenehash.diagnose.bench.plot import draw_stages
    from scenehash.diagnose.bench.run import bench

    if plot is not None:
        check_output(plot)
    document = bench(settings, CONSOLE)
    files = write_each({"plot": (plot, lambda path: write_text(path, draw_stages(document)))})
    report_files(document, as_json, _shown(document), files)


def _shown(document: dict[str, Any]) -> list[Any]:
    scenarios, cold, sustained = (document[key] for key in ("scenarios", "cold_start", "sustained"))
    single, several, offline = (
        scenarios[name] for name in ("SingleStream", "MultiStream", "Offline")
    )
    model = document["model"]
    temperature = sustained["after"]["temperature"]
    energy = sustained["joules_a_scene"]
    return [
        f"{model['name']}, {counted(model['threads'], 'thread')}, on "
        f"{document['machine']['processor']}; {document['inputs']}; "
        f"{counted(document['archive'], 'code')} to search",
        "",
        _stage_table(document["stages"]),
        "",
        f"SingleStream {single['p90_ms']:.2f} ms (p90)   MultiStream {several['p99_ms']:.2f} ms "
        f"(p99, {several['tiles_a_query']} tiles)   Offline {offline['tiles_a_second']:,.0f} "
        "tiles a second",
        "",
        _grid_table(document["grid"]),
        "",
        f"cold start: {cold['seconds_to_first_code']:.2f} s to the first code (bare import "
        f"{cold['seconds_to_bare_import']:.2f} s), "
        f"peak memory in batches of 8 {cold['peak_memory_mb']:.0f} MB",
        f"energy: {'no counter' if energy is None else f'{energy:.3f} J a scene'}; temperature: "
        f"{'no sensor' if temperature is None else f'{temperature:.0f} C after'}",
        *document["advice"],
        *_counts(document),
    ]


def _counts(document: dict[str, Any]) -> list[str]:
    from scenehash.diagnose.bench.arm_counts import describe_counts

    on_arm = document["machine"]["architecture"] in ("aarch64", "arm64")
    return [describe_counts(document["arm_instructions"])] if on_arm else []


def _stage_table(stages: dict[str, Any]) -> "Table":
    from rich.table import Table

    table = Table("stage", box=None)
    for head in ("p50", "p90", "p99", "quartiles", "a second", "first run"):
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
        row = (f"{cell['ms_a_tile']:.2f}" for cell in cells)
        table.add_row(counted(threads, "thread"), *row)
    return table


def _comparison_table(found: "RunComparison") -> "Table":
    from rich.table import Table

    names = (found.first.name, found.second.name)
    table = Table("stage", *names, "ratio", "95 % interval", "", box=None)
    for item in found.stages:
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

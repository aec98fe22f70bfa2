"""The results of benchmarks/search.py as tables and a plot."""

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

Cell = dict[str, Any]
OURS, FLAT = "scenehash", "FAISS flat"
KINDS = ("single", "stored", "batch")
SPREADS = ("uniform", "loose", "tight", "real")


def cells(results: Path) -> list[Cell]:
    """What was measured before."""
    if not results.is_file():
        return []
    return [json.loads(line) for line in results.read_text().splitlines()]


def show(cell: Cell) -> None:
    """Print one cell."""
    title = f"{cell['rows']:,} codes of {cell['bits']} bits, {cell['spread']}"
    if "seconds" not in cell:
        print(f"{title}: skipped: {cell['skipped'][OURS]}")
        return
    table = Table(title=title, title_justify="left")
    for heading in ("", *(f"{kind}, ms a query" for kind in KINDS), "of FAISS flat", "exact"):
        table.add_column(heading, justify="right" if heading else "left")
    for name in cell["seconds"]["single"]:
        times = [_times(cell, kind, name) for kind in KINDS]
        ratios = " / ".join(_ratio(cell, kind, name) for kind in KINDS)
        exact = f"{100 * cell['exact'][name]:.0f} %" if name in cell["exact"] else ""
        table.add_row(name, *times, ratios, exact)
    for name, reason in cell["skipped"].items():
        table.add_row(name, reason)
    Console().print(table)
    print(
        f"built in {cell['build_seconds']:.1f} s, {cell['bytes_per_row']:.1f} bytes a row; "
        f"plans: {cell['plans']}"
    )


def _times(cell: Cell, kind: str, name: str) -> str:
    """Median and quartiles in milliseconds."""
    taken = cell["seconds"][kind].get(name)
    if not taken:
        return "-"
    low, median, high = np.percentile(taken, (25, 50, 75)) * 1e3
    return f"{median:.3g} ({low:.3g}-{high:.3g})"


def _ratio(cell: Cell, kind: str, name: str) -> str:
    """Of the medians."""
    seconds = cell["seconds"][kind]
    if not seconds.get(name) or not seconds.get(FLAT):
        return "-"
    return f"{np.median(seconds[name]) / np.median(seconds[FLAT]):.2g}"


def write(results: Path, docs: Path) -> None:
    """Write the tables of results/search.md and the plot beside it."""
    page = docs / "results" / "search.md"
    measured = [cell for cell in cells(results) if "seconds" in cell]
    memory = [cell for cell in cells(results) if "memory" in cell]
    measured.sort(
        key=lambda cell: (
            cell["bits"] != 64, cell["bits"], SPREADS.index(cell["spread"]), cell["rows"],
            _loops(cell),
        )
    )  # fmt: skip
    lines = page.read_text().split("\n")
    begin, end = lines.index("<!-- measured -->"), lines.index("<!-- end -->")
    table = [_machine(), "", *_time_table(measured), "", *_memory_table(memory)]
    page.write_text("\n".join([*lines[: begin + 1], "", *table, "", *lines[end:]]))
    plotted = [cell for cell in measured if cell["bits"] == 64 and _loops(cell) == "numpy"]
    plot(plotted, page.with_name("search.png"))


def _loops(cell: Cell) -> str:
    """Whose loops ran; results of before there was a choice do not say."""
    return str(cell.get("kernels", "numpy"))


def _machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = models[0].split(":")[1].strip() if models else model
    return (
        f"Measured on: {model}, {platform.machine()}, Python {platform.python_version()}, "
        f"numpy {np.__version__}. Medians, in milliseconds a query; quartiles in brackets."
    )


def _time_table(measured: list[Cell]) -> list[str]:
    lines = [
        "| bits | spread | codes | loops | scenehash, single | FAISS flat, single "
        "| ratio single / stored / batch | usearch | FAISS multi-hash (share exact) | exact |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for cell in measured:
        hashed = _times(cell, "single", "FAISS multi-hash")
        if hashed != "-":
            hashed += f" {cell['exact'].get('FAISS multi-hash', 0):.0%}"
        else:
            hashed = cell["skipped"].get("FAISS multi-hash", "-")
        lines.append(
            f"| {cell['bits']} | {cell['spread']} | {cell['rows']:,} | {_loops(cell)} "
            f"| {_times(cell, 'single', OURS)} | {_times(cell, 'single', FLAT)} "
            f"| {' / '.join(_ratio(cell, kind, OURS) for kind in KINDS)} "
            f"| {_times(cell, 'single', 'usearch exact').split(' ')[0]} | {hashed} "
            f"| {cell['exact'][OURS]:.0%} |"
        )
    return lines


def _memory_table(measured: list[Cell]) -> list[str]:
    lines = [
        "| spread | codes | index, bytes a row | build, s | build, peak MB | search, peak MB "
        "| limit: codes + index + 100 MB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for cell in measured:
        lines.append(
            f"| {cell['memory']} | {cell['rows']:,} | {cell['bytes_per_row']:.1f} "
            f"| {cell['build_seconds']:.1f} | {cell['build_peak_mb']:.0f} "
            f"| {cell['search_peak_mb']:.0f} | {cell['limit_mb']:.0f} |"
        )
    return lines


def plot(measured: list[Cell], path: Path) -> None:
    """Time of a single query against size, both logarithmic, a panel a spread."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    spreads = [name for name in SPREADS if _of(measured, name)]
    figure, axes = pyplot.subplots(
        1, len(spreads), figsize=(3.4 * len(spreads), 3.8), sharex=True, sharey=True, squeeze=False
    )
    titles = {
        "uniform": "uniform", "loose": "1,000 loose clusters", "tight": "21 tight clusters",
        "real": "a model's codes, with noise",
    }  # fmt: skip
    styles = {
        OURS: ("#c0392b", "o", 2.4), FLAT: ("#2c3e50", "s", 1.4),
        "FAISS multi-hash": ("#7f8c8d", "^", 1.0), "usearch exact": ("#2980b9", "v", 1.0),
    }  # fmt: skip
    labels = {"FAISS multi-hash": "FAISS multi-hash (not exact)"}
    for panel, spread in zip(axes[0], spreads, strict=True):
        for name, (colour, marker, width) in styles.items():
            points = [
                (cell["rows"], np.percentile(cell["seconds"]["single"][name], (25, 50, 75)) * 1e3)
                for cell in _of(measured, spread)
                if cell["seconds"]["single"].get(name)
            ]
            if points:
                rows = [point[0] for point in points]
                low, median, high = np.array([point[1] for point in points]).T
                panel.plot(
                    rows,
                    median,
                    marker=marker,
                    ms=4,
                    lw=width,
                    color=colour,
                    label=labels.get(name, name),
                )
                panel.fill_between(rows, low, high, color=colour, alpha=0.15, lw=0)
        panel.set(xscale="log", yscale="log", title=titles[spread], xlabel="codes of 64 bits")
        panel.grid(True, which="major", alpha=0.3)
    axes[0][0].set_ylabel("one query, one thread, k = 20 (ms)")
    axes[0][-1].legend(fontsize=7, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def _of(measured: list[Cell], spread: str) -> list[Cell]:
    return sorted(
        (cell for cell in measured if cell["spread"] == spread), key=lambda cell: cell["rows"]
    )

"""Turn the cells of benchmarks/quality.py into docs/results/quality.md and its plots.

    python benchmarks/quality_report.py [--cells runs/quality/cells.jsonl] [--docs docs/results]

Only what was measured is printed: a table lacks the rows whose cells are not there yet.
"""

import argparse
import contextlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from baselines import BASELINES
from matplotlib.axes import Axes
from quality import DEPTHS, MHCLN_VARIANTS, VARIANTS, WIDTHS

# Variants along the weight of the instance term, ascending.
INSTANCE_WEIGHTS = ("no instance", "instance 0.1", "default", "instance 1", "instance 3")

# On unknown classes: the names in the cells, and in the table.
UNKNOWN = {
    "cosine": "cosine, no bits",
    "itq, own images": "ITQ, fitted on the same images",
    "shipped settings, 64 bits": "not adapted, 64 bits",
    "second look, 64 bits": "not adapted, with the second look, 64 bits",
    "adapted, 64 bits": "adapted, 64 bits",
    "shipped settings, 256 bits": "not adapted, 256 bits",
    "adapted, 256 bits": "adapted, 256 bits",
}

Cells = dict[str, dict[str, Any]]
MARK = "<!-- measured -->"
NAMES = {
    "centres": "`centres` (default)",
    "mhcln": "`mhcln` (the paper's recipe)",
    "lsh": "LSH",
    "pca": "PCA signs",
    "itq": "ITQ",
    "ksh": "KSH",
    "cosine": "cosine, no bits",
    "cosine, last layer": "cosine of the last layer alone",
}

SECOND_ARCHIVE = """\
The paper's other archive: 30 classes, 10,000 images, 60 % of each class for training; seed 0,
FP32, on the other 4,000 images (`python benchmarks/quality.py --only aid150/`)."""
UNKNOWN_KINDS = """\
`map_at_20` at 64 bits, FP32. First columns: trained on one archive, measured on the test part
of another. Last columns: trained without five classes of UC Merced, measured on the test images
of those five; mean of five rotations. Baselines are fitted on the same training images. *Of
cosine* is relative to the row "cosine, no bits"."""
LABEL_FREE = """\
All five rotations, `map_at_20`, seed 0, FP32. A head of 256 bits is trained on 16 of UC
Merced's classes. Adaptation and ITQ are fitted on the 300 training images of the other five,
without labels. Their 200 test images are searched."""
SEVERAL_LABELS = """\
UC Merced's 17 real labels, one to seven per image (Chaudhuri, Demir, Chaudhuri, Bruzzone,
2018), on the split of its classes; the default recipe at each width, FP32, seed 0. An image is
relevant if it shares a label with the query. Most images do, so only the graded measures
distinguish the methods."""
NESTED = """\
`map_at_20` on UC Merced of the leading bits of a code, and of codes trained for that width
alone."""
ABLATION = """\
Each row changes one setting of the default. `map_at_20` in FP32, trained on UC Merced: on its
test part at three widths, and on EuroSAT's at 64 bits."""


def spread(values: Iterable[float]) -> str:
    """Mean and standard deviation, as printed."""
    found = np.array(list(values))
    if not len(found):
        return "-"
    return f"{found.mean():.3f}" + (f" ± {found.std(ddof=1):.3f}" if len(found) > 1 else "")


def matching(cells: Cells, prefix: str) -> list[dict[str, Any]]:
    """The results of all cells whose names begin so, in the order of the names."""
    return [result for name, result in sorted(cells.items()) if name.startswith(prefix)]


def table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    """A table in Markdown."""
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]


def by_bits(
    cells: Cells, name: str, bits: int, archive: str = "ucmerced"
) -> list[dict[str, float]]:
    """A method's figures on an archive at a width, one a seed."""
    if name == "centres" and archive == "ucmerced":
        return [result["quality"][str(bits)] for result in matching(cells, "int8/centres/")]
    if name == "centres":
        return [result[str(bits)] for result in matching(cells, f"{archive}/centres/")]
    if name == "mhcln" and archive == "ucmerced":
        return matching(cells, f"mhcln/{bits}/")
    return matching(cells, f"{archive}/{name}/{bits}/")


def known_table(cells: Cells, archive: str = "ucmerced") -> list[str]:
    rows = []
    for name in ("centres", "mhcln", *BASELINES, "cosine"):
        for bits in WIDTHS if name != "cosine" else (0,):
            found = by_bits(cells, name, bits, archive)
            if found:
                figures = [spread(one[key] for one in found) for key in found[0]]
                rows.append([NAMES[name], str(bits or "-"), *figures, str(len(found))])
    head = ["method", "bits", "`map_at_20`", "`map_at_20_hits`", "`precision_at_20`", "seeds"]
    return table(head, rows)


def unknown_table(cells: Cells) -> list[str]:
    tests = {
        "UCMD -> EuroSAT": matching(cells, "archive/ucmerced/"),
        "EuroSAT -> UCMD": matching(cells, "archive/eurosat5k/"),
        "unknown classes": matching(cells, "classes/"),
    }
    tests = {name: found for name, found in tests.items() if found}
    rows = []
    for method in ("centres", *BASELINES, "cosine", "cosine, last layer"):
        row = [NAMES[method]]
        for found in tests.values():
            values = [one[method]["map_at_20"] for one in found]
            ratios = [one[method]["map_at_20"] / one["cosine"]["map_at_20"] for one in found]
            row += [spread(values), f"{np.mean(ratios):.0%}"]
        rows.append(row)
    head = ["method"] + [cell for name in tests for cell in (name, "of cosine")]
    return table(head, rows)


def label_free_table(cells: Cells) -> list[str]:
    """Codes on UC Merced's unknown classes, a column for each rotation, and their mean."""
    found = matching(cells, "unseen/")
    rows = []
    for method, name in UNKNOWN.items() if found else ():
        values = [one[method]["map_at_20"] for one in found]
        rows.append([name, *(f"{value:.3f}" for value in values), spread(values)])
    return table(["method", *(str(number + 1) for number in range(len(found))), "mean"], rows)


def labels_table(cells: Cells) -> list[str]:
    """Codes on UC Merced's several labels per image, with the graded measures."""
    found = matching(cells, "labels/")
    rows = []
    for one in found:
        for method, figures in one.items():
            name, _, bits = method.partition(" ")
            rows.append([NAMES[name], bits or "-", *(f"{value:.3f}" for value in figures.values())])
    figures = next(iter(found[0].values())) if found else {}
    return table(["method", "bits", *(f"`{name}`" for name in figures)], rows)


def variant_table(cells: Cells) -> list[str]:
    rows = []
    for name in VARIANTS:
        found = matching(cells, f"variant/{name}/")
        if found:
            known = [spread(one["ucmerced"][bits]["map_at_20"] for one in found) for bits in
                     ("16", "32", "64")]  # fmt: skip
            unknown = spread(one["eurosat5k"]["map_at_20"] for one in found)
            rows.append([name, *known, unknown, str(len(found))])
    return table(["variant", "UCMD 16", "UCMD 32", "UCMD 64", "EuroSAT 64", "seeds"], rows)


def nested_table(cells: Cells) -> list[str]:
    rows = []
    for bits in (16, 32):
        prefix = f"alone/{bits}/"
        alone = {name.removeprefix(prefix): result for name, result in cells.items()
                 if name.startswith(prefix)}  # fmt: skip
        seeds = sorted(seed for seed in alone if f"int8/centres/{seed}" in cells)
        nested = [cells[f"int8/centres/{seed}"]["quality"][str(bits)] for seed in seeds]
        if seeds:
            pair = nested, [alone[seed] for seed in seeds]
            figures = [spread(one["map_at_20"] for one in part) for part in pair]
            rows.append([str(bits), *figures, str(len(seeds))])
    head = ["bits", "leading bits of 64, INT8", "trained for that width alone, FP32", "seeds"]
    return table(head, rows)


def int8_lines(cells: Cells) -> list[str]:
    found = matching(cells, "int8/centres/")
    seconds = [one["seconds"]["train"] for one in found]
    flips = spread(100 * one["flips"] for one in found)
    full = spread(one["fp32"]["map_at_20"] for one in found)
    small = spread(one["quality"]["64"]["map_at_20"] for one in found)
    return [
        f"INT8 against FP32, {len(found)} seeds: {flips} % of bits differ; `map_at_20` at 64 bits "
        f"{full} in FP32, {small} in INT8. A head trained in {min(seconds):.0f} to "
        f"{max(seconds):.0f} s on one thread of a busy machine."
    ]


@contextlib.contextmanager
def plot(path: Path, **labels: Any) -> Iterator[Axes]:
    """A picture with one set of axes, written when it is done."""
    figure, axes = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
    axes.set(**labels)
    axes.grid(alpha=0.3)
    yield axes
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, dpi=100)
    plt.close(figure)


def draw_bits(cells: Cells, path: Path) -> None:
    labels = {"xlabel": "bits", "ylabel": "map@20", "title": "UC Merced, test part"}
    with plot(path, **labels, xticks=WIDTHS) as axes:
        for name in ("centres", "mhcln", *BASELINES):
            points = [(bits, by_bits(cells, name, bits)) for bits in WIDTHS]
            points = [(bits, found) for bits, found in points if found]
            if points:
                means = [np.mean([one["map_at_20"] for one in found]) for _, found in points]
                axes.plot([bits for bits, _ in points], means, marker="o", label=name)


def draw_depths(cells: Cells, path: Path) -> None:
    """Precision against the number of hits; dashed is the cosine, without bits."""
    labels = {"xlabel": "hits k", "ylabel": "precision@k"}
    with plot(path, **labels, title="UC Merced, test part, 64 bits") as axes:
        for found in matching(cells, "depths/"):
            for name, precisions in found.items():
                axes.plot(DEPTHS, precisions, "--" if name == "cosine" else "-", label=name)


def draw_trade(cells: Cells, path: Path) -> None:
    """A number a variant; the line goes along the weight of the instance term."""
    labels = {"ylabel": "map@20 on EuroSAT, unknown"}
    with plot(path, **labels, xlabel="map@20 on UC Merced, trained there") as axes:
        points = {}
        for name in VARIANTS:
            found = matching(cells, f"variant/{name}/")
            if found:
                known = np.mean([one["ucmerced"]["64"]["map_at_20"] for one in found])
                unknown = np.mean([one["eurosat5k"]["map_at_20"] for one in found])
                points[name] = (known, unknown)
        for number, (name, point) in enumerate(points.items(), start=1):
            colour = "C1" if name == "default" else "C0"
            axes.scatter(*point, marker=f"${number}$", s=60, color=colour, label=name)
        line = [points[name] for name in INSTANCE_WEIGHTS if name in points]
        axes.plot(*zip(*line, strict=True), color="C1", alpha=0.4, zorder=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=Path, default=Path("runs/quality/cells.jsonl"))
    parser.add_argument("--docs", type=Path, default=Path("docs/results"))
    arguments = parser.parse_args()
    lines = [json.loads(line) for line in arguments.cells.read_text().splitlines()]
    cells = {line["cell"]: line["result"] for line in lines}
    mined = [[name, *(f"{value:.3f}" for value in found[0].values())] for name in MHCLN_VARIANTS
             if (found := matching(cells, f"mhcln variant/{name}/"))]  # fmt: skip
    sections: dict[str, list[str]] = defaultdict(list)
    sections["Known classes: UC Merced"] = [*known_table(cells), "", *int8_lines(cells)]
    sections["Known classes: AID at 150 px"] = [SECOND_ARCHIVE, "", *known_table(cells, "aid150")]
    sections["Unknown archives and classes"] = [UNKNOWN_KINDS, "", *unknown_table(cells)]
    sections["Unknown classes, adapted without labels"] = [LABEL_FREE, "", *label_free_table(cells)]
    sections["Several labels per image"] = [SEVERAL_LABELS, "", *labels_table(cells)]
    sections["Nested codes"] = [NESTED, "", *nested_table(cells)]
    sections["Ablation"] = [ABLATION, "", *variant_table(cells)]
    if mined:
        head = ["triplet mining, seed 0, 64 bits", "map_at_20", "map_at_20_hits", "precision"]
        sections["Triplet mining of the paper's recipe"] = table(head, mined)
    draw_bits(cells, arguments.docs / "quality-bits.png")
    draw_depths(cells, arguments.docs / "quality-depths.png")
    draw_trade(cells, arguments.docs / "quality-trade.png")
    page = arguments.docs / "quality.md"
    words = page.read_text().split(MARK)[0].rstrip()
    body = "\n".join("\n".join([f"\n## {title}\n", *text]) for title, text in sections.items())
    page.write_text(f"{words}\n\n{MARK}\n{body}\n")


if __name__ == "__main__":
    main()

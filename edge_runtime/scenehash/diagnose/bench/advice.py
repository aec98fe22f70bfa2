"""Recommended settings, from the measurements."""

from collections.abc import Sequence
from typing import Any

# Differences below this are not worth a recommendation.
WORTH = 1.05
THROTTLED = 0.9


def advise(document: dict[str, Any]) -> list[str]:
    """Sentences on precision, threads and the sustained speed."""
    lines = []
    stages = document["stages"]
    precision = document["model"]["precision"]
    for name in (name for name in stages if name.startswith("infer ")):
        other = name.removeprefix("infer ")
        ratio = stages[name]["p50_ms"] / stages["infer"]["p50_ms"]
        better, worse = (precision, other) if ratio >= 1 else (other, precision)
        factor = max(ratio, 1 / ratio)
        if factor < WORTH:
            lines.append(f"precision: {precision} and {other} are equally fast here")
            continue
        line = f"precision: {better}, {factor:.1f} times as fast as {worse}"
        if worse == "int8":
            line += "; INT8 is slower on this machine, use the other export here"
        lines.append(line)
    lines.append(_threads(document["grid"]))
    sustained = document["sustained"]
    lines.append(
        f"sustained: {sustained['scenes_a_minute']:,} scenes of one tile a minute, each committed"
    )
    if sustained["last_to_first_third"] < THROTTLED:
        lines.append(
            f"the machine slows down: the rate in the last third of {sustained['seconds']:.0f} s "
            f"was {sustained['last_to_first_third']:.0%} of the first; check its temperature and "
            "its load"
        )
    return lines


def _threads(grid: Sequence[dict[str, Any]]) -> str:
    best = min(grid, key=lambda cell: float(cell["ms_a_tile"]))
    alone = [cell for cell in grid if cell["threads"] == 1]
    one = min(alone, key=lambda cell: float(cell["ms_a_tile"]))
    gain = one["ms_a_tile"] / best["ms_a_tile"]
    if gain < WORTH:
        return f"threads: 1 is as good as more ({one['ms_a_tile']:.2f} ms a tile)"
    return (
        f"threads: {best['threads']}, in batches of {best['batch']} ({best['ms_a_tile']:.2f} ms a "
        f"tile, {gain:.1f} times as fast as one thread)"
    )

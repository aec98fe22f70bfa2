"""The figure of a bench run, as SVG written by hand: the device has no plotting package.

Each stage has a bar from the first to the ninth decile, with its median, on a logarithmic axis.
"""

import math
from typing import Any
from xml.sax.saxutils import escape

LEFT, RIGHT, ROW, TOP, BOTTOM = 110, 700, 34, 56, 44
WIDTH = 820
INK, FAINT, BAR, MARK = "#1e1e1e", "#8a8a8a", "#9db8d2", "#c43c28"


def draw_stages(document: dict[str, Any]) -> str:
    """The SVG text of a run's stages."""
    stages = document["stages"]
    lows = [_tenth(stage) for stage in stages.values()]
    highs = [stage["p90_ms"] for stage in stages.values()]
    first, last = math.floor(math.log10(min(lows))), math.ceil(math.log10(max(highs)))
    height = TOP + ROW * len(stages) + BOTTOM

    def x(milliseconds: float) -> float:
        share = (math.log10(milliseconds) - first) / max(last - first, 1)
        return LEFT + share * (RIGHT - LEFT)

    model, machine = document["model"], document["machine"]
    threads = "thread" if model["threads"] == 1 else "threads"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="{INK}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fafaf8"/>',
        f'<text x="{LEFT}" y="24" font-size="15">{escape(model["name"])}, '
        f"{model['threads']} {threads}, on {escape(machine['processor'])}</text>",
        f'<text x="{LEFT}" y="42" fill="{FAINT}">milliseconds a tile: median, and 10th to 90th '
        "percentile</text>",
    ]
    bottom = height - BOTTOM + 6
    for power in range(first, last + 1):
        at = x(10.0**power)
        parts.append(f'<path d="M{at:.1f} {TOP}V{bottom}" stroke="#dddddd"/>')
        label = f"{10.0**power:g}"
        parts.append(
            f'<text x="{at:.1f}" y="{bottom + 18}" fill="{FAINT}" text-anchor="middle">{label}'
            "</text>"
        )
    for number, (name, stage) in enumerate(stages.items()):
        middle = TOP + ROW * number + ROW / 2
        low, median, high = x(_tenth(stage)), x(stage["p50_ms"]), x(stage["p90_ms"])
        parts += [
            f'<text x="{LEFT - 10}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{low:.1f}" y="{middle - 8}" width="{max(high - low, 1):.1f}" height="16" '
            f'rx="2" fill="{BAR}"/>',
            f'<path d="M{median:.1f} {middle - 10}v20" stroke="{MARK}" stroke-width="2.5"/>',
            f'<text x="{RIGHT + 12}" y="{middle + 4}">{stage["p50_ms"]:.3g} ms</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _tenth(stage: dict[str, Any]) -> float:
    times = sorted(time for repeat in stage["milliseconds"] for time in repeat)
    return max(float(times[len(times) // 10]), 1e-4)

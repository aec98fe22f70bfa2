"""The instructions for a tile on 64-bit ARM, counted under emulation, without times.

For users without a board: instruction counts give an order of alternatives, and complement the
times of a real board. benchmarks/arm_instructions counts them, repeatable to a thousandth.
"""

from typing import Any

ARM_COUNTS: dict[str, Any] = {
    "unit": "million instructions a tile of 256 pixels, one thread, counted under emulation",
    "model": "ucmerced+eurosat5k-centres-64",
    "backbone": "efficientnet_lite0",
    "scenehash": "0.1.0",
    "onnxruntime": "1.32.0",
    "processors": {
        "cortex-a72": {"int8": 194, "fp32": 399},
        "cortex-a76": {"int8": 102, "fp32": 398},
    },
}


def describe_counts(counts: dict[str, Any]) -> str:
    """The counts in one line, next to a board's times."""
    processors = ", ".join(
        f"{found['int8']} on a {name} (FP32 {found['fp32']})"
        for name, found in counts["processors"].items()
    )
    return f"{counts['unit']}: {processors}; {counts['model']}"

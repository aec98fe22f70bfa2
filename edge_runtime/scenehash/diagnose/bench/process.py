"""Cold start and peak memory, of separate processes."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BARE = "import cv2, onnxruntime; print()"
FIRST_CODE = """
import resource, sys
from pathlib import Path
from scenehash import HashModel
from scenehash.demo.tiles import query_path
from scenehash.scenes import read_image
tile = read_image(query_path("forest"))
model = HashModel.load(Path(sys.argv[1]))
model.encode([tile])
print(flush=True)
for _ in range(20):
    model.encode([tile] * 8)
status = Path("/proc/self/status")
if status.exists():  # getrusage counts the parent's memory before exec
    peak = int(status.read_text().split("VmHWM:")[1].split()[0])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = peak // 1024 if sys.platform == "darwin" else peak
print(peak, flush=True)
"""


def measure_cold_start(
    path: Path, repeats: int, advance: Callable[[int], object] = lambda _: None
) -> dict[str, Any]:
    """Seconds from the start of a process to its first code, and its peak memory in batches of 8.

    Alternates with a process that only imports onnxruntime and OpenCV.
    """
    bare, first, memory = [], [], 0
    for _ in range(repeats):
        bare.append(_run(BARE, path)[0])
        seconds, peak = _run(FIRST_CODE, path)
        first.append(seconds)
        memory = max(memory, peak)
        advance(1)
    return {
        "seconds_to_first_code": round(float(np.median(first)), 3),
        "seconds_to_bare_import": round(float(np.median(bare)), 3),
        "peak_memory_mb": round(memory / 1000, 1),
    }


def _run(script: str, path: Path) -> tuple[float, int]:
    """Seconds to the first line that a script prints, and the kilobytes in the second one."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        seconds = time.perf_counter() - started
        kilobytes = child.stdout.read().strip()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, "cold start")
    return seconds, int(kilobytes or 0)

"""What bench measures, and for how long. Light to import: the command takes its defaults."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BenchSettings:
    """What is measured, and for how long.

    model: None is the one that ships with scenehash. other: a second model file of the same run,
    such as an FP32 export. images: a folder; None: the images of the demo. count: how many of them.
    repeats: how often each stage is timed on each. threads: for hashing. most_threads: each number
    up to this is tried; None: all cores. archive: codes to search. seconds: of the sustained run;
    each scenario takes a quarter of it, each pair of threads and batch a tenth. folder: where the
    store that is written to lies, on the disk that matters; None: the system's temporary folder.
    """

    model: Path | None = None
    other: Path | None = None
    images: Path | None = None
    count: int = 16
    repeats: int = 20
    threads: int = 1
    most_threads: int | None = None
    archive: int = 100_000
    seconds: float = 6.0
    folder: Path | None = None

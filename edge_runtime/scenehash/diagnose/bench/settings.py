"""The settings of a benchmark. Light to import: the command takes its defaults from here."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BenchSettings:
    """The settings of a benchmark.

    model: None means the shipped model. other: a second model file of the same run, such as an FP32
    export. images: a folder; None: the images of the demo. count: the number of images. repeats:
    how often each stage is timed on each image. threads: for hashing. most_threads: the benchmark
    tries each number of threads up to this one; None: all cores. archive: the number of codes to
    search. seconds: the length of the sustained run; each scenario takes a quarter of it, each pair
    of threads and batch a tenth. folder: where the benchmark writes its store, to time that disk;
    None: the system's temporary folder.
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

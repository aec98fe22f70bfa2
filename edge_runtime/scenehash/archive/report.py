"""The results of hashing or loading an archive."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class HashReport:
    """The result of hashing an archive. Each scene is in exactly one of hashed, known and failed.

    hashed: scenes hashed in this run, with tiles in total. known: scenes hashed before. failed:
    reasons by scene. warnings: notes for a person, by scene. passed_over: files of other formats,
    by suffix. seconds: the total time. task_seconds: the time of each task at a worker.
    """

    out: str
    hashed: int = 0
    known: int = 0
    tiles: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    passed_over: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    task_seconds: list[float] = field(default_factory=list)

    def document(self) -> dict[str, object]:
        """The report as plain values for JSON."""
        return {
            "out": self.out,
            "scenes_hashed": self.hashed,
            "scenes_known": self.known,
            "tiles_hashed": self.tiles,
            "failed": [{"scene": scene, "reason": why} for scene, why in self.failed.items()],
            "warnings": [
                {"scene": scene, "warnings": list(lines)} for scene, lines in self.warnings.items()
            ],
            "passed_over": dict(self.passed_over),
            "seconds": round(self.seconds, 3),
            "worker_seconds": round(sum(self.task_seconds), 3),
        }


@dataclass
class LoadReport:
    """The result of loading an archive.

    stored: the number of new scenes, with tiles in total. duplicates: scenes that the store already
    had. missing: reasons for scenes with missing or damaged parts.
    """

    store: str
    stored: int = 0
    tiles: int = 0
    duplicates: int = 0
    repaired: int = 0
    missing: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """The report as plain values for JSON."""
        return {
            "store": self.store,
            "scenes_stored": self.stored,
            "tiles_stored": self.tiles,
            "scenes_duplicate": self.duplicates,
            "scenes_repaired": self.repaired,
            "missing": [{"scene": scene, "reason": why} for scene, why in self.missing.items()],
        }

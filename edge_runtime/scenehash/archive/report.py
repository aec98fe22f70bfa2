"""What became of an archive that was hashed, or loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class HashReport:
    """What became of the scenes: each is in just one of hashed, known and failed.

    hashed: done in this run, with tiles in all. known: done before. failed: why, by scene.
    warnings: what a person may want to know, by scene. passed_over: files that are no scenes, by
    suffix. seconds: all that it took. task_seconds: how long workers had each task.
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
        """The report as plain values, as JSON has them."""
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
    """What became of the scenes of an archive's parts.

    stored: scenes that the store did not have, with tiles in all. duplicates: those that it had.
    missing: scenes without parts, or with damaged ones, and why.
    """

    store: str
    stored: int = 0
    tiles: int = 0
    duplicates: int = 0
    repaired: int = 0
    missing: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """The report as plain values, as JSON has them."""
        return {
            "store": self.store,
            "scenes_stored": self.stored,
            "tiles_stored": self.tiles,
            "scenes_duplicate": self.duplicates,
            "scenes_repaired": self.repaired,
            "missing": [{"scene": scene, "reason": why} for scene, why in self.missing.items()],
        }

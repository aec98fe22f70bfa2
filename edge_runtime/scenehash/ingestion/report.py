"""The result of an ingest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from scenehash.files import path_text
from scenehash.geo import Box


class SetAside(NamedTuple):
    """An input that could not be ingested, and why."""

    path: Path
    reason: str


class Moved(NamedTuple):
    """A stored scene with a new path: its present path, and its previous path."""

    path: Path
    previous: str


@dataclass(frozen=True)
class Ingested:
    """A scene that was stored.

    tiles: the number of tiles. skipped: tiles with too few valid pixels. blank, saturated: the
    numbers of such tiles, see scenes.exposure. seconds: from its opening until its last tile was
    read. box: around its tiles, if known. warnings: for a person.
    """

    path: Path
    tiles: int
    skipped: int
    blank: int
    saturated: int
    seconds: float
    box: Box | None
    warnings: Sequence[str]


@dataclass
class IngestReport:
    """The result of an ingest. Each path is in exactly one of stored, duplicates and set_aside.

    moved: duplicates whose stored path was out of date and has been changed. read_by_bands: the
    bands that were used, for files that cannot be read without a choice of bands. cut_otherwise:
    duplicates whose stored tiles are others than those that were asked for. labelled: the number of
    duplicates that got a new label. repaired: the number of stored scenes that had been
    damaged. passed_over: files of other formats in the folders, by suffix. warnings: about the
    whole store. seconds: the total time.
    """

    store: str = ""
    stored: list[Ingested] = field(default_factory=list)
    duplicates: list[Path] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    read_by_bands: dict[Path, tuple[int, ...]] = field(default_factory=dict)
    cut_otherwise: list[Path] = field(default_factory=list)
    labelled: int = 0
    set_aside: list[SetAside] = field(default_factory=list)
    repaired: int = 0
    passed_over: Mapping[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def sound(self) -> list[Path]:
        """The paths whose scenes the store has."""
        return [*(scene.path for scene in self.stored), *self.duplicates]

    @property
    def tiles(self) -> int:
        """The number of stored tiles."""
        return sum(scene.tiles for scene in self.stored)

    @property
    def skipped(self) -> int:
        """The number of tiles of the stored scenes with too few valid pixels."""
        return sum(scene.skipped for scene in self.stored)

    @property
    def blank(self) -> int:
        """The number of stored tiles of one colour."""
        return sum(scene.blank for scene in self.stored)

    @property
    def saturated(self) -> int:
        """The number of stored tiles that are overexposed or cloud."""
        return sum(scene.saturated for scene in self.stored)

    def document(self) -> dict[str, object]:
        """The report as plain values for JSON."""
        return {
            "store": self.store,
            "scenes_stored": len(self.stored),
            "tiles_stored": self.tiles,
            "tiles_skipped": self.skipped,
            "tiles_blank": self.blank,
            "tiles_saturated": self.saturated,
            "scenes_duplicate": len(self.duplicates),
            "scenes_moved": len(self.moved),
            "scenes_labelled": self.labelled,
            "scenes_repaired": self.repaired,
            "scenes": [
                {
                    "path": path_text(scene.path),
                    "tiles": scene.tiles,
                    "skipped": scene.skipped,
                    "blank": scene.blank,
                    "saturated": scene.saturated,
                    "seconds": round(scene.seconds, 3),
                    "bbox": scene.box,
                    "warnings": list(scene.warnings),
                }
                for scene in self.stored
            ],
            "moved": [
                {"path": path_text(scene.path), "previous": scene.previous} for scene in self.moved
            ],
            "read_by_bands": [
                {"path": path_text(path), "bands": list(bands)}
                for path, bands in self.read_by_bands.items()
            ],
            "cut_otherwise": [path_text(path) for path in self.cut_otherwise],
            "set_aside": [
                {"path": path_text(item.path), "reason": item.reason} for item in self.set_aside
            ],
            "passed_over": {path_text(suffix): count for suffix, count in self.passed_over.items()},
            "warnings": self.warnings,
            "seconds": round(self.seconds, 3),
        }


@dataclass
class Made:
    """The result of making missing thumbnails or representations.

    made: the number of new ones. gone: paths of scenes for which none can be made, and the reasons.
    """

    made: int = 0
    gone: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """The report as plain values for JSON."""
        set_aside = [{"path": path, "reason": reason} for path, reason in self.gone.items()]
        return {"made": self.made, "set_aside": set_aside}

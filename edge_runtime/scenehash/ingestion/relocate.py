"""Scenes whose files have moved."""

from dataclasses import dataclass, field
from pathlib import Path

from scenehash.errors import InputError, StoreError
from scenehash.files import path_from, path_text
from scenehash.progress import SILENT, Progress
from scenehash.store import CodeStore, SceneRecord

from .report import SetAside
from .rereading import reopen_moved


@dataclass
class RelocateReport:
    """The result of a relocation.

    moved: scenes with their present paths. set_aside: the other scenes, by their expected paths.
    """

    moved: list[Path] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)

    def document(self) -> dict[str, object]:
        """The report as plain values for JSON."""
        set_aside = [
            {"path": path_text(item.path), "reason": item.reason} for item in self.set_aside
        ]
        return {"scenes_moved": len(self.moved), "set_aside": set_aside}


def relocate(
    store: CodeStore, old: str | Path, new: str | Path, progress: Progress = SILENT
) -> RelocateReport:
    """Give stored scenes the present paths of their files.

    old: the stored path of a scene, or of a folder of scenes. new: the path that replaces it. The
    content of each file is compared with the stored scene. A missing file, or a file with other
    content, is set aside, and its scene keeps the old path. Each scene is committed by itself, so a
    second call continues an interrupted one. Raises StoreError when no scene is below old.
    """
    before, after = Path(old).absolute(), Path(new).absolute()
    records = store.records_under(path_text(before))
    if not records:
        raise StoreError(f"{store.path}: no stored scene is at {before}, or below it")
    report = RelocateReport()
    with progress.task("relocate", len(records)) as task:
        for record in records:
            path = path_from(path_text(after / Path(record.path).relative_to(path_text(before))))
            try:
                _move(store, record, path)
                report.moved.append(path)
            except InputError as error:
                report.set_aside.append(SetAside(path, error.reason))
            task.advance(1)
    return report


def _move(store: CodeStore, record: SceneRecord, path: Path) -> None:
    """Store the present path of a scene; InputError if the file there is not the scene's."""
    with reopen_moved(record, path) as scene:
        origin = scene.origin
    with store.transaction():
        store.update_scene(record.content, path_text(path), file=origin)
        store.take_paths({path_text(path): record.content})

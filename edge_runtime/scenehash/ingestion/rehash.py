"""Another model for a store: every tile gets a new code, and nothing is lost.

The work happens outside the store, which can be searched meanwhile, and to which a watch may add.
When all codes are ready, one transaction changes the store to them. docs/store.md has the promises.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scenehash.alerts.carried import AlertCarrier, CarriedAlert
from scenehash.codes import check_width
from scenehash.errors import StoreBusyError, StoreError
from scenehash.files import path_text
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT, Progress
from scenehash.store import CodeStore, Switch, earlier_paths
from scenehash.store.files.rehash_work import RehashWork, forget_work, rehash_work

from .left_behind import bring_back, leave_behind, tidy
from .new_codes import NewCodes
from .options import CORES
from .report import Moved, SetAside
from .rereading import Rereading

# Scenes per group of representations that are stored together.
GROUP = 1000


@dataclass
class RehashReport:
    """The result of a rehash. Each scene is in exactly one of the first five counts.

    from_vectors: scenes whose codes were made from kept representations. from_codes: from longer
    codes of the same model. rehashed: from their files. moved: from their files at a new path.
    unreachable: scenes with only codes of an earlier model, and the reason; earlier: the stores
    that hold them. returned: how many of the other scenes had only such codes before. alerts: the
    result for each alert. warnings: for a person.
    """

    store: str
    lineage: str
    bits: int
    model: str
    from_vectors: int = 0
    from_codes: int = 0
    rehashed: int = 0
    moved: list[Moved] = field(default_factory=list)
    unreachable: list[SetAside] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)
    returned: int = 0
    alerts: list[CarriedAlert] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def scenes(self) -> int:
        """The number of scenes with codes of the new model."""
        return self.from_vectors + self.from_codes + self.rehashed + len(self.moved)

    def document(self) -> dict[str, object]:
        """The report as plain values for JSON."""
        return {
            "store": self.store,
            "lineage": self.lineage,
            "bits": self.bits,
            "model": self.model,
            "scenes_from_vectors": self.from_vectors,
            "scenes_from_codes": self.from_codes,
            "scenes_rehashed": self.rehashed,
            "scenes_moved": len(self.moved),
            "scenes_unreachable": len(self.unreachable),
            "scenes_returned": self.returned,
            "moved": [
                {"path": path_text(scene.path), "previous": scene.previous} for scene in self.moved
            ],
            "unreachable": [
                {"path": path_text(item.path), "reason": item.reason} for item in self.unreachable
            ],
            "earlier": self.earlier,
            "alerts": [alert.document() for alert in self.alerts],
            "warnings": self.warnings,
            "seconds": round(self.seconds, 3),
        }


def rehash(
    store: str | Path,
    model: str | Path | HashModel | None = None,
    *,
    bits: int | None = None,
    moved: Sequence[tuple[str | Path, str | Path]] = (),
    require_all: bool = False,
    threads: int = CORES,
    progress: Progress = SILENT,
) -> RehashReport:
    """Give every tile of a store a new code from another model.

    If the store keeps the representations of a scene, and the model is an adaptation in their
    frame, the codes are made from the representations; otherwise the scene's file is read again in
    the same way as before. The store has the old codes until all scenes have new codes: meanwhile
    it can be searched, and a watch may add to it. Then it changes in one transaction; rows keep
    their numbers, and alerts are converted. A scene that cannot be read moves to a separate store
    inside the store's folder (RehashReport.earlier), which can be searched as before; a later
    rehash brings the scene back when it can be read again. An interruption loses nothing: a second
    call continues.

    model: a model or its file; None means the shipped model. bits: the width of the codes; None:
    the present width if the model has codes of that width, otherwise all its bits. moved: pairs of
    paths (old, new) of scenes or folders; a scene that is missing below old is searched below new.
    require_all: change nothing unless every scene can be read. threads: the number of batches that
    are hashed at the same time.

    Raises StoreError when no scene of the store can be read, or on a disk error, StoreBusyError
    when another process rehashes the store, StoreDamagedError, ModelError, and ConfigurationError
    on a width that the model does not have.
    """
    path, started = Path(store), time.perf_counter()
    loaded = model if isinstance(model, HashModel) else HashModel.load(model)
    space = loaded.representation
    with CodeStore.open(path) as reader:
        width = check_width(loaded.width_for(reader.bits) if bits is None else bits, loaded.widths)
        reader.alerts.list()  # a damaged alert raises an error now, not after long work
        vectors = reader.vectors.kept and space is not None
    places = [(Path(old).absolute(), Path(new).absolute()) for old, new in moved]
    how = Rereading(loaded, width, vectors, places, threads)
    with rehash_work(path, loaded.lineage, width, space.frame if space else None) as work:
        running = _Rehash(path, how, work, progress)
        running.prepare()
        with _opened(path, progress) as opened:
            running.finish(opened, require_all)
    forget_work(path)
    running.report.seconds = time.perf_counter() - started
    return running.report


def _opened(path: Path, progress: Progress) -> CodeStore:
    """The store, open for writing, once no other process writes to it."""
    try:
        return CodeStore.open(path, writable=True)
    except StoreBusyError:
        progress.message(f"{path}: another process is writing; waiting for it")
        return CodeStore.open(path, writable=True, wait=True)


class _Rehash:
    """The steps of a rehash."""

    def __init__(self, path: Path, how: Rereading, work: RehashWork, progress: Progress) -> None:
        self.report = RehashReport(str(path), how.model.lineage, how.bits, how.model.name)
        self._path, self._how, self._work = path, how, work
        self._codes = NewCodes(how, work, progress)

    def prepare(self) -> None:
        """Make the new codes of all scenes, outside the store."""
        for path in [self._path, *earlier_paths(self._path)]:
            with CodeStore.open(path) as store:
                # Repeat until no new scene without a new code has arrived.
                while not (path == self._path and self._is_current(store)):
                    if not self._codes.make(store):
                        break
                    store.refresh()

    def finish(self, store: CodeStore, require_all: bool) -> None:
        """Change the store to the new codes, and bring back scenes that an earlier rehash could not
        read.
        """
        if not self._is_current(store):
            self._codes.make(store)
            self._switch(store, require_all)
        self._put_vectors(store)
        tidy(self._path)
        for path in earlier_paths(self._path):
            back = bring_back(path, store, self._codes, self._how.model)
            self.report.returned += len(back.contents)
            self.report.alerts += back.alerts
            self._count(back.contents)
        tidy(self._path)
        self._count_earlier()

    def _is_current(self, store: CodeStore) -> bool:
        return (store.lineage, store.bits) == (self._how.model.lineage, self._how.bits)

    def _switch(self, store: CodeStore, require_all: bool) -> None:
        """Change a store to the new codes, and move scenes without new codes elsewhere."""
        contents = store.contents()
        leaving = [content for content in contents if content in self._codes.unreachable]
        staying = [content for content in contents if content not in self._codes.unreachable]
        self._check_reachable(leaving, staying, require_all)
        model, space = self._how.model, self._how.model.representation
        if store.vectors.kept and space is None:
            self.report.warnings.append(
                f"{self._path}: model {model.name} gives no representations: the store keeps none"
            )
        carrier = AlertCarrier(store, model, self._how.bits, self._codes.codes_of)
        alerts = store.alerts.list()
        carried = [carrier.carry(alert, self._work.codes()) for alert in alerts]
        disabled = {one.name for one in carried if one.alert is None}
        leave_behind(store, leaving, [alert for alert in alerts if alert.name in disabled])
        places = self._codes.places
        to = Switch(
            lineage=model.lineage,
            bits=self._how.bits,
            model=model.name,
            codes_of=self._codes.of,
            leaving=leaving,
            moved={content: places[content] for content in staying if content in places},
            alerts=[one.alert for one in carried if one.alert is not None],
            space=(space.frame, space.dims) if space and store.vectors.kept else None,
            model_file=model.file_bytes(),
        )
        store.switch(to)
        self.report.alerts += carried
        self._count(staying)

    def _check_reachable(
        self, leaving: Sequence[str], staying: Sequence[str], require_all: bool
    ) -> None:
        if not leaving or (staying and not require_all):
            return
        first = self._codes.unreachable[leaving[0]]
        count = f"{len(leaving):,} scenes" if staying else "no scene"
        cannot = "cannot be read" if staying else "can be read"
        raise StoreError(
            f"{self._path}: {count} {cannot}, such as {first.path}: {first.reason}; nothing was "
            "changed: make the files available, or name their new folder with --moved OLD NEW, "
            "and run the same command again"
        )

    def _put_vectors(self, store: CodeStore) -> None:
        """Store the representations that were made for new codes."""
        contents = self._work.with_vectors() if store.vectors.kept else []
        for start in range(0, len(contents), GROUP):
            found = [store.find_scene(content) for content in contents[start : start + GROUP]]
            records = [record for record in found if record is not None]
            made = [self._work.find(record) for record in records]
            store.vectors.put_scenes(records, [one.vectors if one else None for one in made])
        if store.trouble is not None:
            self.report.warnings.append(store.trouble)

    def _count(self, contents: Sequence[str]) -> None:
        """Count scenes by the source of their new codes."""
        for content in contents:
            match self._codes.made[content]:
                case Moved() as moved:
                    self.report.moved.append(moved)
                case "vectors":
                    self.report.from_vectors += 1
                case "codes":
                    self.report.from_codes += 1
                case _:
                    self.report.rehashed += 1

    def _count_earlier(self) -> None:
        """Name the scenes that have only codes of an earlier model."""
        for path in earlier_paths(self._path):
            self.report.earlier.append(str(path))
            with CodeStore.open(path) as store:
                self.report.unreachable += [
                    self._codes.unreachable[content] for content in store.contents()
                ]

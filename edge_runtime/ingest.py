"""Ingest: scenes -> tiles -> codes -> store."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .errors import InputError
from .model import HashModel
from .scenes import Scene, read_scene, tile_windows
from .store import CodeStore, HashedScene

# Scenes read, hashed and committed together: what an interruption can cost.
GROUP = 32


@dataclass(frozen=True)
class SetAside:
    """An input that could not be ingested, and why."""

    path: Path
    reason: str


@dataclass
class IngestReport:
    """What became of the inputs: each path is counted in just one of the three."""

    stored: list[Path] = field(default_factory=list)
    known: list[Path] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    tiles: int = 0


def ingest(
    paths: Sequence[Path],
    store: CodeStore,
    model: HashModel,
    advance: Callable[[int], object] = lambda _: None,
) -> IngestReport:
    """Hash image files and store their codes; what is stored already is not hashed again.

    Files are taken in groups, each durable before advance(number of paths) is called. A file that
    cannot be read is set aside with its reason, and the rest goes on. Codes are as wide as the
    store's. Raises LineageError when the model is not the one that the store was made with.
    """
    bits = model.width_for(store.bits)
    store.check(model.lineage, bits)
    report = IngestReport()
    for group in _read_ahead(paths):
        fresh: dict[str, Scene] = {}
        for result in group:
            if isinstance(result, SetAside):
                report.set_aside.append(result)
            elif result.content in fresh or store.knows(result.content):
                report.known.append(result.path)
            else:
                fresh[result.content] = result
        store.add(hashed := [_hash(scene, model, bits) for scene in fresh.values()])
        report.stored += [scene.path for scene in fresh.values()]
        report.tiles += sum(len(scene.windows) for scene in hashed)
        advance(len(group))
    return report


def _hash(scene: Scene, model: HashModel, bits: int) -> HashedScene:
    height, width = scene.image.shape[:2]
    windows = list(tile_windows(height, width, model.tile_size))
    codes = model.encode([window.cut(scene.image) for window in windows], bits)
    return HashedScene(scene.content, str(scene.path), windows, codes)


def _read_ahead(paths: Sequence[Path]) -> Iterator[list[Scene | SetAside]]:
    """Read files in groups, the next group in a thread while the caller hashes this one."""
    groups = [paths[start : start + GROUP] for start in range(0, len(paths), GROUP)]
    with ThreadPoolExecutor(max_workers=1) as reader:
        ahead: Future[list[Scene | SetAside]] | None = None
        for group in groups:
            now, ahead = ahead, reader.submit(_read_group, group)
            if now is not None:
                yield now.result()
        if ahead is not None:
            yield ahead.result()


def _read_group(paths: Iterable[Path]) -> list[Scene | SetAside]:
    return [_read(path) for path in paths]


def _read(path: Path) -> Scene | SetAside:
    try:
        return read_scene(path)
    except InputError as error:
        return SetAside(path, str(error).removeprefix(f"{path}: "))

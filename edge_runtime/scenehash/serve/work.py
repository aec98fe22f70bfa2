"""The work of jobs: commands that take longer than a request, with the same documents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from scenehash.adaptation import adapt
from scenehash.errors import InputError, NotStoredError
from scenehash.ingestion import IngestOptions, ingest, retry_quarantine
from scenehash.ingestion.rehash import rehash
from scenehash.model.hash_model import HashModel
from scenehash.progress import Progress
from scenehash.store import CodeStore

from .jobs import Work
from .model_in_use import ModelInUse
from .options import ADAPTED, FOLDER, ServeOptions
from .queries import AdaptRequest, IngestRequest, RehashRequest, Request
from .uploads import checked_name

Asked = TypeVar("Asked", bound=Request)


@dataclass(frozen=True)
class Workplace:
    """Where jobs work: the folder of a store, the server's options, the model of the store."""

    path: Path
    options: ServeOptions
    models: ModelInUse

    def model(self) -> HashModel:
        """The model of the store's codes, or the latest model."""
        with CodeStore.open(self.path) as store:
            return self.models.of(store)


def works_of(place: Workplace) -> Mapping[str, Work]:
    """The function of each kind of job."""
    return {
        "ingest": _work(IngestRequest, place, _ingest),
        "retry": _work(Request, place, _retry),
        "adapt": _work(AdaptRequest, place, _adapt),
        "rehash": _work(RehashRequest, place, _rehash),
    }


def model_asked(path: Path, asked: RehashRequest) -> str | Path | None:
    """The model for a rehash of a store; NotStoredError when no adaptation has made one."""
    if asked.model != "adapted":
        return asked.model
    file = path / FOLDER / ADAPTED
    if not file.is_file():
        raise NotStoredError(f"{path}: no adaptation has made a model; adapt first")
    return file


def _work(
    kind: type[Asked],
    place: Workplace,
    do: Callable[[Workplace, Asked, Progress], Mapping[str, object]],
) -> Work:
    """A function that checks the arguments of its job first: they may come from a file."""

    def work(arguments: Mapping[str, Any], progress: Progress) -> Mapping[str, object]:
        return do(place, kind.model_validate(arguments), progress)

    return work


def _ingest(place: Workplace, asked: IngestRequest, progress: Progress) -> Mapping[str, object]:
    folder = place.options.accept
    if folder is None:
        raise InputError(
            "this server accepts no scenes; start it with: scenehash serve --accept FOLDER",
            asked.name,
        )
    threads = place.options.threads
    options = IngestOptions(labels=tuple(asked.labels), threads=threads, wait=True)
    model = place.model()
    return ingest(
        [folder / checked_name(asked.name)], place.path, model, options, progress
    ).document()


def _retry(place: Workplace, asked: Request, progress: Progress) -> Mapping[str, object]:
    del asked
    options = IngestOptions(threads=place.options.threads, wait=True)
    return retry_quarantine(place.path, place.model(), options, progress).document()


def _adapt(place: Workplace, asked: AdaptRequest, progress: Progress) -> Mapping[str, object]:
    file = place.path / FOLDER / ADAPTED
    # Remove the model of an earlier adaptation.
    file.unlink(missing_ok=True)
    with CodeStore.open(place.path) as store:
        model = place.models.of(store)
        return adapt(store, file, model, asked.anyway, asked.seed, progress).document()


def _rehash(place: Workplace, asked: RehashRequest, progress: Progress) -> Mapping[str, object]:
    return rehash(
        place.path,
        model_asked(place.path, asked),
        bits=asked.bits,
        require_all=asked.require_all,
        threads=place.options.threads,
        progress=progress,
    ).document()

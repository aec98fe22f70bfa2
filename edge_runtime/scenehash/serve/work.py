"""The work of jobs: commands that take longer than a request, with the same documents."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from scenehash.adaptation import adapt
from scenehash.errors import InputError, NotStoredError
from scenehash.ingestion import IngestOptions, ingest, retry_quarantine
from scenehash.ingestion.rehash import rehash
from scenehash.progress import Progress
from scenehash.store import CodeStore

from .jobs import Work
from .options import ADAPTED, FOLDER
from .queries import AdaptRequest, IngestRequest, RehashRequest, Request
from .uploads import checked_name

if TYPE_CHECKING:
    from .station import Station

Asked = TypeVar("Asked", bound=Request)


def works_of(station: "Station") -> Mapping[str, Work]:
    """The function of each kind of job of a station."""
    return {
        "ingest": _work(IngestRequest, station, _ingest),
        "retry": _work(Request, station, _retry),
        "adapt": _work(AdaptRequest, station, _adapt),
        "rehash": _work(RehashRequest, station, _rehash),
    }


def model_asked(station: "Station", asked: RehashRequest) -> str | Path | None:
    """The model for a rehash; NotStoredError when no adaptation has made one."""
    if asked.model != "adapted":
        return asked.model
    file = station.path / FOLDER / ADAPTED
    if not file.is_file():
        raise NotStoredError(f"{station.path}: no adaptation has made a model; adapt first")
    return file


def _work(
    kind: type[Asked],
    station: "Station",
    do: Callable[["Station", Asked, Progress], Mapping[str, object]],
) -> Work:
    """A function that checks the arguments of its job first: they may come from a file."""

    def work(arguments: Mapping[str, Any], progress: Progress) -> Mapping[str, object]:
        return do(station, kind.model_validate(arguments), progress)

    return work


def _ingest(station: "Station", asked: IngestRequest, progress: Progress) -> Mapping[str, object]:
    folder = station.options.accept
    if folder is None:
        raise InputError(
            "this server accepts no scenes; start it with: scenehash serve --accept FOLDER",
            asked.name,
        )
    threads = station.options.threads
    options = IngestOptions(labels=tuple(asked.labels), threads=threads, wait=True)
    model = station.model()
    return ingest(
        [folder / checked_name(asked.name)], station.path, model, options, progress
    ).document()


def _retry(station: "Station", asked: Request, progress: Progress) -> Mapping[str, object]:
    del asked
    options = IngestOptions(threads=station.options.threads, wait=True)
    return retry_quarantine(station.path, station.model(), options, progress).document()


def _adapt(station: "Station", asked: AdaptRequest, progress: Progress) -> Mapping[str, object]:
    file = station.path / FOLDER / ADAPTED
    # Remove the model of an earlier adaptation.
    file.unlink(missing_ok=True)
    with CodeStore.open(station.path) as store:
        model = station.models.of(store)
        return adapt(store, file, model, asked.anyway, asked.seed, progress).document()


def _rehash(station: "Station", asked: RehashRequest, progress: Progress) -> Mapping[str, object]:
    return rehash(
        station.path,
        model_asked(station, asked),
        bits=asked.bits,
        require_all=asked.require_all,
        threads=station.options.threads,
        progress=progress,
    ).document()

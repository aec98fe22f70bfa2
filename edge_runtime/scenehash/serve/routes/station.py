"""The station: its store, its health, its quarantine; and metrics."""

import shutil
from http import HTTPStatus
from pathlib import Path
from typing import IO, Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from scenehash.errors import InputError
from scenehash.files import atomic_path
from scenehash.store.documents import info_document, quarantine_document

from ..metrics import MEDIA_TYPE
from ..problems import Refused
from ..queries import ReleaseRequest
from ..uploads import check_image, checked_name
from .common import PROBLEMS, StationServed, answer
from .jobs import accepted
from .uploads import BINARY, check_binary, write_body

router = APIRouter(tags=["station"], responses=PROBLEMS)

LABELS, LONGEST_LABEL = 20, 200


@router.get("/api/store")
def info(station: StationServed) -> Response:
    """The contents and the model of the store."""
    with station.readers.store() as store:
        return answer(info_document(store))


@router.get("/api/station")
def about(station: StationServed) -> Response:
    """The state of the station."""
    return answer(station.document())


@router.get("/api/quarantine")
def quarantine(station: StationServed) -> Response:
    """Inputs that could not be ingested, each with the reason."""
    with station.readers.store() as store:
        return answer(quarantine_document(store))


@router.post("/api/quarantine/retry", status_code=HTTPStatus.ACCEPTED)
def retry(station: StationServed) -> Response:
    """Ingest them again."""
    return accepted(station.jobs.add("retry"))


@router.post("/api/quarantine/release")
def release(station: StationServed, asked: ReleaseRequest) -> Response:
    """Remove inputs from the quarantine; their files do not change."""
    with station.writer() as store:
        released = store.quarantine.remove(asked.paths)
    return answer({"store": str(station.path), "released": released})


@router.post("/api/scenes", status_code=HTTPStatus.ACCEPTED, openapi_extra=BINARY)
async def ingest(
    request: Request,
    station: StationServed,
    name: Annotated[str, Query(max_length=200, description="The name of its file.")],
    label: Annotated[list[str] | None, Query(max_length=LABELS)] = None,
) -> Response:
    """Ingest a scene, if the server accepts scenes."""
    folder = station.options.accept
    if folder is None:
        raise Refused(
            HTTPStatus.FORBIDDEN,
            "this server accepts no scenes; start it with: scenehash serve --accept FOLDER",
        )
    check_binary(request)
    path, labels = folder / checked_name(name), label or []
    if any(len(text) > LONGEST_LABEL for text in labels):
        raise InputError(f"a label has at most {LONGEST_LABEL} characters")
    with station.uploads.receiving() as file:
        await write_body(request, file)
        await run_in_threadpool(_keep, file, path)
    return accepted(station.jobs.add("ingest", {"name": name, "labels": labels}))


@router.get("/healthz")
def health(station: StationServed) -> Response:
    """Whether the store can be read."""
    with station.readers.store() as store:
        store.counts()
    return answer({"status": "ok"})


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(station: StationServed) -> Response:
    """Metrics in Prometheus' text format."""
    return Response(station.metrics_text(), media_type=MEDIA_TYPE)


def _keep(received: IO[bytes], path: Path) -> None:
    """Give a received file its name; InputError when the name is not valid, or taken."""
    received.flush()
    check_image(Path(received.name))
    if path.exists():
        raise InputError("a file of that name is here already; give another name", path.name)
    try:
        with atomic_path(path) as partial:
            shutil.copyfile(received.name, partial)
    except OSError as error:
        raise InputError(f"cannot be kept ({error.strerror})", path.name) from error

"""Jobs: work that takes longer than a request, begun, followed and cancelled."""

from http import HTTPStatus

from fastapi import APIRouter
from starlette.responses import Response

from ..job import Job
from ..queries import AdaptRequest, RehashRequest
from ..work import model_asked
from .common import PROBLEMS, StationServed, answer

router = APIRouter(tags=["jobs"], responses=PROBLEMS)


@router.get("/api/jobs")
def jobs(station: StationServed) -> Response:
    """Jobs, the newest first."""
    return answer({"jobs": [job.document() for job in station.jobs.list()]})


@router.get("/api/jobs/{number}")
def job(station: StationServed, number: str) -> Response:
    """One job."""
    return answer(station.jobs.get(number).document())


@router.post("/api/jobs/{number}/cancel")
def cancel(station: StationServed, number: str) -> Response:
    """End a job early; its committed work is kept."""
    return answer(station.jobs.cancel(number).document())


@router.post("/api/adapt", status_code=HTTPStatus.ACCEPTED)
def adapt(station: StationServed, asked: AdaptRequest) -> Response:
    """Fit codes on the store's own tiles, and evaluate them; the store does not change."""
    return accepted(station.jobs.add("adapt", asked.model_dump()))


@router.post("/api/rehash", status_code=HTTPStatus.ACCEPTED)
def rehash(station: StationServed, asked: RehashRequest) -> Response:
    """Give every tile of the store a new code from another model."""
    model_asked(station.path, asked)
    return accepted(station.jobs.add("rehash", asked.model_dump()))


def accepted(job: Job) -> Response:
    """The answer with the address of a job."""
    response = answer(job.document(), HTTPStatus.ACCEPTED)
    response.headers["Location"] = f"/api/jobs/{job.id}"
    return response

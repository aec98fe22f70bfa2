"""Alerts: making, testing and judging."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from scenehash.alerts.changing import (
    confirm_match,
    forget_match,
    reject_match,
    set_false_alarm_rate,
    set_radius,
)
from scenehash.alerts.documents import alerts_document
from scenehash.alerts.making import make_alert
from scenehash.alerts.trial import count_alert_matches, judge_row
from scenehash.errors import ConfigurationError
from scenehash.store import Alert, CodeStore

from ..queries import AlertRequest, AlertTestRequest, JudgeRequest, RateRequest
from ..station import Station
from .common import PROBLEMS, OptionalText, StationServed, answer

router = APIRouter(tags=["alerts"], responses=PROBLEMS)

Name = Annotated[str, Path(max_length=200, description="The name of an alert.")]


@router.get("/api/alerts")
def alerts(station: StationServed) -> Response:
    """All alerts, by name."""
    with station.readers.store() as store:
        return answer(alerts_document(store))


@router.post("/api/alerts", status_code=HTTPStatus.CREATED)
def add(station: StationServed, asked: AlertRequest) -> Response:
    """Add an alert; a running watch uses it from its next scene on."""
    make = _making(station, asked)
    with station.writer() as store:
        made = make(store)
        store.alerts.add(made)
    return answer(made.document(), HTTPStatus.CREATED)


@router.post("/api/alerts/test")
def test_new(station: StationServed, asked: AlertTestRequest) -> Response:
    """Test a new alert on the stored tiles; nothing is stored."""
    make = _making(station, asked)
    with station.readers.store() as store:
        made = make(store)
    return answer(_tried(station, made, asked.label))


@router.get("/api/alerts/{name:path}/test")
def test(station: StationServed, name: Name, label: OptionalText = None) -> Response:
    """Count the stored tiles that each radius of an alert would match."""
    with station.readers.store() as store:
        found = store.alerts.get(name)
    return answer(_tried(station, found, label))


@router.post("/api/alerts/{name:path}/confirm")
def confirm(station: StationServed, name: Name, asked: JudgeRequest) -> Response:
    """Confirm a stored tile as a true match: it becomes an example."""
    with station.writer() as store:
        before = judge_row(store, name, asked.row)
        alert = confirm_match(store, name, asked.row)
    return answer(alert.document() | {"judged": before.document()})


@router.post("/api/alerts/{name:path}/reject")
def reject(station: StationServed, name: Name, asked: JudgeRequest) -> Response:
    """Reject a false alarm: the tile becomes a negative example."""
    with station.writer() as store:
        return answer(reject_match(store, name, asked.row).document())


@router.post("/api/alerts/{name:path}/forget")
def forget(station: StationServed, name: Name, asked: JudgeRequest) -> Response:
    """Remove a stored tile from the examples or negative examples."""
    with station.writer() as store:
        return answer(forget_match(store, name, asked.row).document())


@router.get("/api/alerts/{name:path}")
def alert(station: StationServed, name: Name) -> Response:
    """One alert."""
    with station.readers.store() as store:
        return answer(store.alerts.get(name).document())


@router.patch("/api/alerts/{name:path}")
def change(station: StationServed, name: Name, asked: RateRequest) -> Response:
    """Give an alert another radius, or choose a new rule for a false alarm rate."""
    if asked.radius is not None and asked.false_alarms is not None:
        raise ConfigurationError("a radius and a false alarm rate: give one of them")
    with station.writer() as store:
        if asked.radius is not None:
            return answer(set_radius(store, name, asked.radius).document())
        return answer(set_false_alarm_rate(store, name, asked.false_alarms).document())


@router.delete("/api/alerts/{name:path}")
def remove(station: StationServed, name: Name) -> Response:
    """Remove an alert."""
    with station.writer() as store:
        store.alerts.remove(name)
    return answer({"store": str(station.path), "removed": name})


def _making(station: Station, asked: AlertRequest) -> Callable[[CodeStore], Alert]:
    """How the alert is made in a store; its examples are read now, while no store is held."""
    examples = [station.query(query) for query in asked.examples]
    unlike = [station.query(query) for query in asked.unlike]
    return lambda store: make_alert(
        store,
        asked.name,
        examples,
        unlike,
        asked.radius,
        station.models.of(store),
        false_alarms=asked.false_alarms,
    )


def _tried(station: Station, alert: Alert, label: str | None) -> dict[str, object]:
    with station.readers.store() as store, station.metrics.stage("tune"):
        return count_alert_matches(store, alert, label).document(alert)

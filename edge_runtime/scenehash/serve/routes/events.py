"""Stored and live events."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from ..feed import Wanted, events_document
from ..queries import LARGEST
from .common import PROBLEMS, OptionalText, StationServed, answer

router = APIRouter(tags=["events"], responses=PROBLEMS)

Number = Annotated[int | None, Query(ge=0, le=LARGEST)]
EVENT_ID = re.compile(r"([0-9a-f]{32})-(\d{1,16})", re.ASCII)


@router.get("/api/events")
def events(
    station: StationServed,
    after: Number = None,
    before: Number = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    kind: OptionalText = None,
    alert: OptionalText = None,
) -> Response:
    """Events that the store keeps, ascending."""
    with station.readers.store() as store:
        return answer(events_document(store, after, before, limit, Wanted(kind, alert)))


@router.get("/api/events/live", response_class=StreamingResponse)
async def live(
    station: StationServed,
    after: Number = None,
    last_event_id: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Live events, each once, after the last event that the client received."""
    last = None if after is None else ("", after)
    found = EVENT_ID.fullmatch(last_event_id or "")
    if found:
        last = found[1], int(found[2])
    # Ask proxies not to buffer the stream.
    headers = {"X-Accel-Buffering": "no"}
    # Before the answer begins, so that it has every later commit.
    lines = await station.feed.listen(last)
    return StreamingResponse(lines, media_type="text/event-stream", headers=headers)

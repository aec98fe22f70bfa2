"""A job: work that takes longer than a request."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PrivateAttr

State = Literal["waiting", "running", "cancelling", "done", "failed", "cancelled"]


class Job(BaseModel):
    """Work of a kind, with its arguments as plain values for JSON.

    task: the present task, with done of total steps. begun: the number of starts. result: the
    document of the command that does the same. error: a problem document. stop: set to end the job
    at its next step.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    kind: str
    arguments: dict[str, Any] = {}
    state: State = "waiting"
    task: str | None = None
    done: int = 0
    total: int = 0
    begun: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    messages: list[str] = []
    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None

    _stop: threading.Event = PrivateAttr(default_factory=threading.Event)

    @property
    def stop(self) -> threading.Event:
        """See above."""
        return self._stop

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs, and was not cancelled."""
        return self.state in ("waiting", "running")

    def end(self, state: State) -> None:
        """Record its end, now, with its state."""
        self.state, self.ended = state, datetime.now(UTC)

    def document(self) -> dict[str, object]:
        """The job as plain values for JSON."""
        return {
            **self.model_dump(exclude={"begun"}),
            "started": None if self.started is None else self.started.isoformat(),
            "ended": None if self.ended is None else self.ended.isoformat(),
        }

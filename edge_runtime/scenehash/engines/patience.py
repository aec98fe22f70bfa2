"""Waiting for an engine that does not answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from scenehash.errors import EngineUnreachableError
from scenehash.progress import Progress

# Seconds to wait, and between two tries.
PATIENCE = 600.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 15.0

Answer = TypeVar("Answer")


@dataclass
class Patient:
    """Repeats a request while an engine does not answer: every request must be repeatable."""

    patience: float
    progress: Progress

    def ask(self, ask: Callable[[], Answer]) -> Answer:
        """The answer; EngineUnreachableError when it takes too long."""
        wait, until = FIRST_WAIT, time.monotonic() + self.patience
        while True:
            try:
                return ask()
            except EngineUnreachableError as error:
                left = until - time.monotonic()
                if left <= 0:
                    raise
                self.progress.message(f"{error.reason}: waiting {wait:.0f} s ({left:,.0f} s left)")
                time.sleep(min(wait, left))
                wait = min(2 * wait, LONGEST_WAIT)

"""How long an engine that does not answer is waited for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from scenehash.errors import EngineUnreachableError
from scenehash.progress import Progress

# Seconds that it is waited for, and between two tries.
PATIENCE = 600.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 15.0

Answer = TypeVar("Answer")


@dataclass
class Patient:
    """Asks again while an engine does not answer: all that is asked may be asked twice."""

    patience: float
    progress: Progress

    def ask(self, ask: Callable[[], Answer]) -> Answer:
        """What is answered; EngineUnreachableError when that took too long."""
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

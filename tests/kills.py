"""Work that is killed at some instant."""

import os
import signal
import time
from collections.abc import Callable


def run_killed(work: Callable[[], object], seconds: float) -> None:
    """Do some work in a process of its own, which is killed after so many seconds."""
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)

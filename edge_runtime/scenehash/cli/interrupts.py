"""The signals that end a command: Ctrl-C (SIGINT), SIGTERM, and SIGHUP of a terminal that closes.

All three have the same effect: the command keeps finished work, leaves the rest for the next run,
and the exit status is 128 plus the number of the signal: 130, 143, 129.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

# Windows has no SIGHUP.
ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

Handler = Callable[[int, FrameType | None], None]


class Interrupted(KeyboardInterrupt):
    """A signal asked the command to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Stop:
    """For a command that ends by itself: the first signal sets asked."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._number = 0

    def raise_if_asked(self) -> None:
        """Raise Interrupted when a signal has come."""
        if self._number:
            raise Interrupted(self._number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._number:
            _raise(number, frame)
        self._number = number
        self.asked.set()


def exit_status(error: KeyboardInterrupt) -> int:
    """The exit status of a command that was interrupted."""
    return 128 + (error.number if isinstance(error, Interrupted) else signal.SIGINT)


def end_by_signal_outside_commands() -> None:
    """Let Ctrl-C end the process without a traceback before a command begins and after it.

    Nothing needs cleaning up at these times, and a shell shows the same status, 130.
    """
    if _is_main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Signals raise Interrupted in the main thread, inside the context.

    A signal that the process ignores from the start, such as SIGHUP under nohup, stays ignored.
    """
    with _handling(_raise):
        yield


@contextlib.contextmanager
def stopping() -> Iterator[Stop]:
    """The first signal asks to stop; the second raises Interrupted."""
    stop = Stop()
    with _handling(stop._handle):
        yield stop


def _raise(number: int, frame: FrameType | None) -> None:
    del frame
    # A closing terminal sends SIGHUP more than once. The first one is enough.
    for other in ENDING:
        if other != signal.SIGINT:
            signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)


@contextlib.contextmanager
def _handling(handler: Handler) -> Iterator[None]:
    before = {}
    if _is_main_thread():
        for number in ENDING:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()

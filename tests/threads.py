"""What several threads do at once, for tests of what they share."""

import threading
from collections.abc import Callable, Sequence


def at_once(steps: Sequence[Callable[[int], object]], seconds: float) -> list[BaseException]:
    """Repeat each step in a thread of its own, with 1, 2, 3 ...; returns what went wrong."""
    failures: list[BaseException] = []
    over = threading.Event()

    def repeat(step: Callable[[int], object]) -> None:
        number = 0
        try:
            while not over.is_set():
                number += 1
                step(number)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=repeat, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    over.wait(seconds)
    over.set()
    for thread in threads:
        thread.join()
    return failures

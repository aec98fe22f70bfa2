"""Processes that read a store while a test writes to it."""

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

# Reads the store in a folder until the event is set, and sends how often, and what was wrong; the
# number tells readers apart.
Reader = Callable[[Path, int, Event, Connection], None]
Answers = list[tuple[int, list[str]]]


@contextlib.contextmanager
def readers(read: Reader, folder: Path, count: int) -> Iterator[Answers]:
    """So many processes read until the context ends; what they answered is in the list then."""
    fork = multiprocessing.get_context("fork")
    over, started, answers = fork.Event(), [], Answers()
    for number in range(count):
        said, saying = fork.Pipe(duplex=False)
        process = fork.Process(target=read, args=(folder, number, over, saying))
        process.start()
        started.append((process, said))
    try:
        yield answers
    finally:
        over.set()
    for process, said in started:
        answers.append(said.recv())
        process.join()

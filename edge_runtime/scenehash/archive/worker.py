"""A process of the local scheduler: does tasks from a socket until the socket is closed."""

import sys
from multiprocessing.connection import Connection

from .work import run_task


def main(descriptor: int) -> None:
    """Do tasks from the socket with this descriptor."""
    with Connection(descriptor) as connection:
        while True:
            try:
                task = connection.recv()
                connection.send(run_task(task))
            except (EOFError, OSError):  # the parent process is gone
                return


if __name__ == "__main__":
    main(int(sys.argv[1]))

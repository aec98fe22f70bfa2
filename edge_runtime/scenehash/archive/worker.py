"""A process of the local scheduler: does tasks that come by a socket, until that is closed."""

import sys
from multiprocessing.connection import Connection

from .work import run_task


def main(descriptor: int) -> None:
    """Do tasks as they come by the socket of a descriptor."""
    with Connection(descriptor) as connection:
        while True:
            try:
                task = connection.recv()
                connection.send(run_task(task))
            except (EOFError, OSError):  # whoever gave the tasks has gone
                return


if __name__ == "__main__":
    main(int(sys.argv[1]))

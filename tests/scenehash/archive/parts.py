"""The parts of an archive, and a scheduler of tests."""

from pathlib import Path

from scenehash import IngestOptions
from scenehash.archive.work import Outcome, Task, run_task

ALL = IngestOptions(label_from_folder=True, thumbnails=True)


def files(out: Path) -> dict[str, bytes]:
    """The parts of an archive, by their names."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.glob("parts/*/[!.]*")}


class InThisProcess:
    """A scheduler without processes, for what does not depend on them."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []

    def __enter__(self) -> "InThisProcess":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def room(self) -> int:
        return 3 - len(self.tasks)

    def submit(self, task: Task) -> None:
        self.tasks.append(task)

    def finished(self, seconds: float) -> list[tuple[Task, Outcome]]:
        del seconds
        task = self.tasks.pop()
        return [(task, run_task(task))]

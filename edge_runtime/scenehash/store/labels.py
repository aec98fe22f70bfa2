"""Labels: words that scenes are found by."""

from collections.abc import Sequence
from pathlib import PurePath

from scenehash.errors import ConfigurationError


def check_labels(labels: Sequence[str]) -> None:
    """Raise ConfigurationError on a label without any character that shows."""
    if not all(label.strip() for label in labels):
        raise ConfigurationError("a label must not be empty")


def label_of_folder(path: PurePath) -> tuple[str, ...]:
    """The label that is the name of a file's folder; none where that has no name."""
    name = path.parent.name
    return (name,) if name.strip() else ()

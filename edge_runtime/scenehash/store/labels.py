"""Labels of scenes."""

from collections.abc import Sequence
from pathlib import PurePath

from scenehash.errors import ConfigurationError


def check_labels(labels: Sequence[str]) -> None:
    """Raise ConfigurationError on a label without a visible character."""
    if not all(label.strip() for label in labels):
        raise ConfigurationError("a label must not be empty")


def label_of_folder(path: PurePath) -> tuple[str, ...]:
    """The name of a file's folder as a label; none if the folder has no name."""
    name = path.parent.name
    return (name,) if name.strip() else ()

"""Every error that scenehash raises on purpose.

ScenehashError                one line: what, where, what to do
├── InputError                an image, a path or a folder that cannot be used
├── ConfigurationError        an option or a configuration key that makes no sense
├── ModelError                a model file that cannot be used, or not here
├── StoreError                a store that cannot be used as asked
│   ├── LineageError          codes of another model or another width
│   ├── NotStoredError        a row, a scene, a label or an alert that is not there
│   ├── StoreBusyError        another process is writing
│   ├── StoreDamagedError     bytes on disk are not the bytes that were committed
│   └── EngineError           an engine, such as Milvus, that refuses what is asked
│       └── EngineUnreachableError  one that does not answer, or not now
├── ArchiveError              an archive's parts or manifest that cannot be used as asked
├── BundleError               what came over a link and is no whole bundle, or not for here
├── FetchError                an archive, or an object of a bucket, that cannot be fetched
├── FidelityError             an export that departs too far from what it was made from
├── TrustError                a file or a bundle that this machine does not trust
├── PluginError               a command of another package that cannot be loaded
└── MissingExtraError         an optional dependency that is not installed
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path


class ScenehashError(Exception):
    """Base of all errors that a user can act on; the text is one line."""


class InputError(ScenehashError):
    """An image, a path or a folder cannot be used.

    reason: what is wrong, and what to do. path: with which file or folder, where whoever raises it
    knows; the text is then "path: reason".
    """

    def __init__(self, reason: str, path: str | Path | None = None) -> None:
        super().__init__(reason, path)
        self.reason, self.path = reason, path

    def __str__(self) -> str:
        return self.reason if self.path is None else f"{self.path}: {self.reason}"


class ConfigurationError(ScenehashError):
    """An option or a configuration key makes no sense."""


class ModelError(ScenehashError):
    """A model file cannot be used, or not on this machine."""


class StoreError(ScenehashError):
    """A store cannot be used as asked."""


class LineageError(StoreError):
    """Codes of another model, or of another width, than the store holds."""


class NotStoredError(StoreError):
    """What is asked for is not in the store: a row, a scene, a label, an alert."""


class StoreBusyError(StoreError):
    """Another process is writing to the store."""


class StoreDamagedError(StoreError):
    """Bytes on disk are not the bytes that were committed."""


class EngineError(StoreError):
    """An engine, such as Milvus or PostgreSQL, refuses what is asked of it."""


class EngineUnreachableError(EngineError):
    """An engine does not answer, or not now: trying again may help. reason: what it said."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; is it running? Pushed tiles are kept; try again")
        self.reason = reason


class ArchiveError(ScenehashError):
    """The parts or the manifest of a hashed archive cannot be used as asked."""


class BundleError(ScenehashError):
    """A bundle is not whole, is none, or cannot be applied here."""


class FetchError(ScenehashError):
    """An archive, or an object of a bucket, cannot be fetched, or is not what it should be."""


class FidelityError(ScenehashError):
    """An exported model departs too far from the network that it was made from."""


class TrustError(ScenehashError):
    """A file or a bundle that this machine does not trust, or a trusted state that is damaged."""


class PluginError(ScenehashError):
    """A command that another package adds cannot be loaded."""


class MissingExtraError(ScenehashError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"this needs {module}, which is not installed: {extras_remedy(extra)}")


def extras_remedy(*extras: str) -> str:
    """How to install optional parts, wherever scenehash was installed from."""
    names, noun = ",".join(extras), "extra" if len(extras) == 1 else "extras"
    return (
        f"install scenehash with its {noun} {names} (in the folder of its source: "
        f"pip install '.[{names}]')"
    )


@contextlib.contextmanager
def extra_needed(extra: str) -> Iterator[None]:
    """Raise MissingExtraError in place of the ImportError of a package that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module.startswith("scenehash"):
            raise
        raise MissingExtraError(module, extra) from error

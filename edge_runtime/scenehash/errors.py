"""All errors that scenehash raises on purpose.

ScenehashError                one line: the thing, the place, the remedy
├── InputError                an image, a path or a folder cannot be used
├── ConfigurationError        an option or a configuration key is not valid
├── ModelError                a model file cannot be used, or not on this machine
├── StoreError                a store cannot be used as asked
│   ├── LineageError          codes of another model or another width
│   ├── NotStoredError        a row, a scene, a label or an alert does not exist
│   ├── StoreBusyError        another process is writing
│   ├── StoreDamagedError     bytes on disk differ from the bytes that were committed
│   └── EngineError           an engine, such as Milvus, refuses a request
│       └── EngineUnreachableError  an engine does not answer now
├── ArchiveError              an archive's parts or manifest cannot be used as asked
├── BundleError               a bundle is not complete, not valid, or not for this store
├── FetchError                an archive, or an object of a bucket, cannot be fetched
├── FidelityError             an export differs too much from its network
├── TrustError                this machine does not trust a file or a bundle
├── PluginError               a command of another package cannot be loaded
└── MissingExtraError         an optional dependency is not installed
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from .printable import printable


class ScenehashError(Exception):
    """Base of all errors that a user can act on.

    The text is one line: control characters and line ends, in the name of a file for example, are
    escaped.
    """

    def __str__(self) -> str:
        return printable(self._text())

    def _text(self) -> str:
        return super().__str__()


class InputError(ScenehashError):
    """An image, a path or a folder cannot be used.

    reason: the problem and the remedy. path: the file or folder, if the caller knows it; the text
    is then "path: reason".
    """

    def __init__(self, reason: str, path: str | Path | None = None) -> None:
        super().__init__(reason, path)
        self.reason, self.path = reason, path

    def _text(self) -> str:
        return self.reason if self.path is None else f"{self.path}: {self.reason}"


class ConfigurationError(ScenehashError):
    """An option or a configuration key is not valid."""


class ModelError(ScenehashError):
    """A model file cannot be used, or not on this machine."""


class StoreError(ScenehashError):
    """A store cannot be used as asked."""


class LineageError(StoreError):
    """The codes have another model, or another width, than the store's codes."""


class NotStoredError(StoreError):
    """A row, a scene, a label or an alert is not in the store."""


class StoreBusyError(StoreError):
    """Another process is writing to the store."""


class StoreDamagedError(StoreError):
    """The bytes on disk differ from the bytes that were committed."""


class EngineError(StoreError):
    """An engine, such as Milvus or PostgreSQL, refuses a request."""


class EngineUnreachableError(EngineError):
    """An engine does not answer now; another try may help. reason: the engine's error."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; is it running? Pushed tiles are kept; try again")
        self.reason = reason


class ArchiveError(ScenehashError):
    """The parts or the manifest of a hashed archive cannot be used as asked."""


class BundleError(ScenehashError):
    """A bundle is not complete, not valid, or cannot be applied here."""


class FetchError(ScenehashError):
    """An archive, or an object of a bucket, cannot be fetched, or has the wrong content."""


class FidelityError(ScenehashError):
    """An exported model differs too much from its network."""


class TrustError(ScenehashError):
    """This machine does not trust a file or a bundle, or the list of trusted keys is damaged."""


class PluginError(ScenehashError):
    """A command that another package adds cannot be loaded."""


class MissingExtraError(ScenehashError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"this needs {module}, which is not installed: {extras_remedy(extra)}")


def extras_remedy(*extras: str) -> str:
    """How to install optional parts, from any source of scenehash."""
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

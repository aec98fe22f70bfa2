"""The model of a store's codes, which a rehash changes."""

import threading
from collections.abc import Callable
from pathlib import Path

from scenehash.errors import ModelError
from scenehash.model.hash_model import HashModel
from scenehash.store import Searchable


class ModelInUse:
    """A model that is loaded once, and again when the store keeps another model's file.

    latest: the last model. log: called with a line when a file cannot be used.
    """

    def __init__(self, model: HashModel, log: Callable[[str], None]) -> None:
        self.latest, self._log = model, log
        self._lock = threading.Lock()
        self._refused: Path | None = None

    def of(self, store: Searchable) -> HashModel:
        """The model of a store's codes; the latest if the store has no model file."""
        if store.lineage == self.latest.lineage:
            return self.latest
        with self._lock:
            file = None if store.lineage == self.latest.lineage else store.model_file()
            if file is not None and file != self._refused:
                try:
                    self.latest = HashModel.load(file)
                except ModelError as error:
                    self._refused = file
                    self._log(f"the store's model cannot be used: {error}")
            return self.latest

"""The store that a model's codes go into."""

from pathlib import Path

from scenehash.errors import StoreError
from scenehash.model.hash_model import HashModel, check_width
from scenehash.store import CodeStore


def open_store(
    path: Path, model: HashModel, bits: int | None = None, wait: bool = False
) -> CodeStore:
    """Open a store for writing; it is made when there is none.

    bits: code width of a new store, one of the model's widths; all its bits when None. wait: as
    long as another process writes. Raises ConfigurationError on a width that the model lacks,
    LineageError when another model made the store, StoreBusyError, and StoreError.
    """
    width = check_width(bits, model.widths) if bits is not None else _width(path, model)
    return CodeStore.open_or_create(path, model.lineage, width, model.card.name, wait)


def _width(path: Path, model: HashModel) -> int:
    try:
        with CodeStore.open(path) as store:
            return model.width_for(store.bits)
    except StoreError:
        return model.bits

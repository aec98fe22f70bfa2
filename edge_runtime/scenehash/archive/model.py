"""The model file in an archive."""

import tempfile
from pathlib import Path

from scenehash.errors import ArchiveError, ModelError
from scenehash.files import MAX_MODEL_BYTES
from scenehash.model.reading import read_card

from .storage import MODEL, Storage


def model_bytes(storage: Storage, lineage: str) -> bytes:
    """The bytes of an archive's model; ArchiveError when it is damaged, or of another lineage."""
    data = storage.read(MODEL, MAX_MODEL_BYTES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        path.write_bytes(data)
        try:
            found = read_card(path).lineage
        except ModelError as error:
            reason = str(error).removeprefix(f"{path}: ")
            text = f"{storage}: {MODEL} cannot be used ({reason}); delete it, and hash again"
            raise ArchiveError(text) from error
    if found != lineage:
        raise ArchiveError(f"{storage}: {MODEL} is not the model that made the parts")
    return data

"""The model file in an archive."""

from scenehash.errors import ArchiveError, ModelError
from scenehash.files import MAX_MODEL_BYTES
from scenehash.model.card import Card
from scenehash.model.inspection import inspect_model

from .storage import MODEL, Storage


def model_bytes(storage: Storage, lineage: str) -> bytes:
    """The bytes of an archive's model; ArchiveError when it is damaged, or of another lineage.

    Whether this machine trusts it is decided where it is opened.
    """
    data = storage.read(MODEL, MAX_MODEL_BYTES)
    try:
        found = Card.from_json(inspect_model(data).card).lineage
    except ModelError as error:
        text = f"{storage}: {MODEL} cannot be used ({error}); delete it, and hash again"
        raise ArchiveError(text) from error
    if found != lineage:
        raise ArchiveError(f"{storage}: {MODEL} is not the model that made the parts")
    return data

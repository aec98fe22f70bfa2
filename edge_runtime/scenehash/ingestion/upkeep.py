"""The model file and the representations that a store keeps besides codes."""

from scenehash.errors import ConfigurationError
from scenehash.model.card import RepresentationRecord
from scenehash.model.hash_model import HashModel
from scenehash.store import CodeStore


def keep_model(store: CodeStore, model: HashModel) -> None:
    """Keep the file of the model of a store's codes, if the store keeps none yet."""
    if not store.keeps_model and (data := model.file_bytes()) is not None:
        store.keep_model(data)


def keep_vectors(store: CodeStore, model: HashModel, wanted: bool | None) -> str | None:
    """The frame of the representations to keep for new scenes; None: keep none.

    wanted: None: a store without tiles keeps them if the model gives them, and another store does
    as before. Raises ConfigurationError when they are wanted and the model gives none.
    """
    space = space_of(model, wanted)
    if space is None:
        return None
    if wanted or (wanted is None and not store.rows):
        store.keep_vectors(space.frame, space.dims)
    return space.frame if wanted is not False and store.vectors.frame == space.frame else None


def space_of(model: HashModel, wanted: bool | None) -> RepresentationRecord | None:
    """The space of a model's representations, if it gives any.

    Raises ConfigurationError when they are wanted and the model gives none.
    """
    if wanted and model.representation is None:
        raise ConfigurationError(
            f"--vectors: model {model.name} gives no representation that could be kept"
        )
    return model.representation

"""What a store keeps beside codes, by the model that makes them."""

from scenehash.errors import ConfigurationError
from scenehash.model.hash_model import HashModel
from scenehash.store import CodeStore


def keep_model(store: CodeStore, model: HashModel) -> None:
    """Keep the file of the model whose codes a store holds, where it keeps none yet."""
    if not store.keeps_model and (data := model.file_bytes()) is not None:
        store.keep_model(data)


def keep_vectors(store: CodeStore, model: HashModel, wanted: bool | None) -> str | None:
    """The frame of the representations that are to be kept of what is added now; None: of none.

    wanted: None: a store without tiles begins to keep them where the model gives them, and any
    other goes on as it is. Raises ConfigurationError when they are wanted of a model without.
    """
    space = model.representation
    if space is None:
        if wanted:
            raise ConfigurationError(
                f"--vectors: model {model.name} gives no representation that could be kept"
            )
        return None
    if wanted or (wanted is None and not store.rows):
        store.keep_vectors(space.frame, space.dims)
    return space.frame if wanted is not False and store.vectors.frame == space.frame else None

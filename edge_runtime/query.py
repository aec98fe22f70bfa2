"""What is searched with: an image file, or a tile that is stored already."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .codes import Codes
from .errors import ConfigurationError, InputError
from .store import CodeStore
from .tiles import Image, read_image

ROW_PREFIX = "row:"


@dataclass(frozen=True)
class Query:
    """A query's code, uint8 [1, K/8], and where it comes from: an image file or a stored row."""

    text: str
    code: Codes
    scene: Path
    row: int | None


def read_query(text: str, store: CodeStore, model_path: Path | None) -> Query:
    """Understand a query: "row:12" is the stored tile in row 12, anything else an image file.

    The model is loaded only for an image. Raises InputError, ConfigurationError, ModelError, and
    LineageError when the model is not the one that made the store.
    """
    if text.startswith(ROW_PREFIX):
        row = _row_number(text)
        return Query(text, store.codes(np.array([row])), Path(store.tile(row)[0]), row)
    from .model import HashModel  # onnxruntime takes a sixth of a second, and a row needs none

    image = read_image(Path(text))
    model = HashModel.load(model_path)
    bits = model.width_for(store.bits)
    store.check(model.lineage, bits)
    return Query(text, model.encode([image], bits), Path(text), None)


def query_image(query: Query, store: CodeStore) -> Image | None:
    """The query's pixels, uint8 RGB [H, W, 3]; None when its scene is no longer there."""
    try:
        image = read_image(query.scene)
    except InputError:
        return None
    return image if query.row is None else store.tile(query.row)[1].cut(image)


def _row_number(text: str) -> int:
    try:
        return int(text.removeprefix(ROW_PREFIX))
    except ValueError as error:
        raise ConfigurationError(
            f"{text}: a stored row is written {ROW_PREFIX}NUMBER, such as {ROW_PREFIX}12"
        ) from error

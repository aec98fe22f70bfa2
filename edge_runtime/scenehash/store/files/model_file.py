"""model-HASH.onnx: the model of a store's codes, so that the store can be searched anywhere.

The file's name is a hash of its content, and the catalog names the store's file: a damaged or
replaced file has no effect.
"""

from hashlib import blake2b
from pathlib import Path

from scenehash.errors import InputError
from scenehash.files import MAX_MODEL_BYTES, atomic_path, read_regular

PATTERN = "model-*.onnx"
ID_BYTES = 8


def model_id(data: bytes) -> str:
    """The id of a model file's bytes: 16 hexadecimal digits of BLAKE2b."""
    return blake2b(data, digest_size=ID_BYTES).hexdigest()


def model_path(folder: Path, identity: str) -> Path:
    """The path of the model file with an id in a store."""
    return folder / f"model-{identity}.onnx"


def write_model(folder: Path, data: bytes) -> str:
    """Write a model file into a store, durably; returns its id. OSError on a disk error."""
    identity = model_id(data)
    with atomic_path(model_path(folder, identity)) as partial:
        partial.write_bytes(data)
    return identity


def sound_model(folder: Path, identity: str) -> Path | None:
    """The path of the model file with an id; None if it is missing or damaged."""
    path = model_path(folder, identity)
    try:
        data = read_regular(path, MAX_MODEL_BYTES)
    except InputError:
        return None
    return path if model_id(data) == identity else None

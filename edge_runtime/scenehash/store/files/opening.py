"""Opening and making the files of a store."""

import contextlib
import re
from pathlib import Path
from typing import IO

from scenehash.errors import StoreError
from scenehash.files import flush_folder

from ..catalog.catalog import Catalog, is_vacant
from ..catalog.state import State
from .codes_file import CodesFile
from .folder import CATALOG, lock, make_folder
from .model_file import sound_model

# An address that was taken for a path, which loses one of two slashes.
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def check_is_store(path: Path) -> None:
    """Raise StoreError if the folder has no store."""
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path}: is a file, and a store is a folder")
    if not (path / CATALOG).is_file():
        raise no_store(path)


def no_store(path: Path) -> StoreError:
    """The error for a folder without a store."""
    if ADDRESS.match(str(path)):
        return StoreError(
            f"{path}: an address, but a store is a folder; use addresses of engines, such as "
            "milvus://, with scenehash push, archive load, search, serve and doctor"
        )
    return StoreError(
        f"{path}: no scenehash store here; make one with: scenehash ingest IMAGES --store {path}"
    )


def open_files(
    path: Path, writable: bool, wait: bool, undo: contextlib.ExitStack
) -> tuple[Catalog, IO[bytes] | None]:
    """The catalog, and the writer's lock if writable; undo closes them."""
    check_is_store(path)
    held = undo.enter_context(lock(path, wait)) if writable else None
    return undo.enter_context(contextlib.closing(Catalog.open(path / CATALOG, writable))), held


def model_of(path: str | Path) -> Path | None:
    """The file of the model of a store's codes, if there is a store that keeps it.

    Raises StoreError when the store cannot be read.
    """
    if is_vacant(Path(path) / CATALOG):
        return None
    with contextlib.closing(Catalog.open(Path(path) / CATALOG, writable=False)) as catalog:
        identity = catalog.model_id()
    return None if identity is None else sound_model(Path(path), identity)


def make_files(
    path: Path, state: State, wait: bool, undo: contextlib.ExitStack
) -> tuple[Catalog, IO[bytes]] | None:
    """As open_files, for a new store; None if there is one already."""
    if not is_vacant(path / CATALOG):
        return None
    if ADDRESS.match(str(path)):
        raise no_store(path)
    make_folder(path)
    held = undo.enter_context(lock(path, wait))
    if not is_vacant(path / CATALOG):
        held.close()
        return None
    CodesFile(path, state.bits // 8, state.generation).make()
    catalog = undo.enter_context(contextlib.closing(Catalog.create(path / CATALOG, state)))
    flush_folder(path)
    return catalog, held

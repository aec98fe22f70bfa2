"""catalog.sum: what the raw bytes of the catalog were when a writer last closed the store.

The seals in the catalog cover all that it says. This covers the bytes that mean nothing as well, as
an early sign of a failing disk, for catalogs small enough to be read at each closing.
"""

import contextlib
from hashlib import blake2b
from pathlib import Path

from scenehash.errors import StoreError

from .catalog import Catalog
from .folder import CATALOG

SUM = "catalog.sum"
LIMIT = 64 * 1024 * 1024


def write_sum(folder: Path, catalog: Catalog) -> None:
    """Note the catalog's bytes; for the one who holds the writer's lock.

    Where that cannot be done (a full disk, a reader in the way), the old note stays, and says
    nothing of the newer commits.
    """
    partial = folder / f"{SUM}.partial"
    with contextlib.suppress(OSError, StoreError):
        if (folder / CATALOG).stat().st_size <= LIMIT and catalog.checkpoint():
            partial.write_text(f"{catalog.state().commits} {_digest(folder)}\n")
            partial.replace(folder / SUM)


def differs_from_sum(folder: Path, catalog: Catalog) -> bool:
    """Whether the catalog's bytes are not those noted; False when nothing is known of them."""
    try:
        commits, noted = (folder / SUM).read_text().split()
    except (OSError, ValueError):
        return False
    differs = _digest(folder) != noted
    # A writer may have brought commits into the file meanwhile.
    return differs and commits == str(catalog.state().commits)


def _digest(folder: Path) -> str:
    return blake2b((folder / CATALOG).read_bytes(), digest_size=16).hexdigest()

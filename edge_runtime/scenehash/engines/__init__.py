"""Engines for many machines: the same codes in Milvus, or in PostgreSQL.

pushing.py       push: a store's tiles to an engine; source.py is the source of the tiles
patience.py      waiting for an engine that does not answer
engine_store.py  EngineStore: a collection with the interface of a store for searches
address.py       addresses of engines
backend.py       the interface of an engine
milvus.py        Milvus, and Milvus Lite; milvus_fields.py has the fields of its collections
postgres.py      PostgreSQL
nearest.py       exact hits from an engine that orders ties arbitrarily
tiles.py         scenes and tiles in the form of an engine
"""

from typing import TYPE_CHECKING

from scenehash.lazy_names import lazy_names

from .address import Address, is_address

if TYPE_CHECKING:
    from .engine_store import EngineStore
    from .pushing import PushReport, push

__all__ = ["Address", "EngineStore", "PushReport", "is_address", "push"]

# A search of a store only needs is_address.
__getattr__ = lazy_names(
    __name__, {"EngineStore": "engine_store", "PushReport": "pushing", "push": "pushing"}
)

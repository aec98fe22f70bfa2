"""Engines made for many machines: the same codes in Milvus, or in PostgreSQL.

pushing.py       push: a store's tiles, brought to an engine; source.py is what it takes them from
patience.py      how long an engine that does not answer is waited for
engine_store.py  EngineStore: a collection, searched as a store is
address.py       addresses of engines
backend.py       what an engine must be able to do
milvus.py        Milvus, and Milvus Lite
postgres.py      PostgreSQL
nearest.py       exact hits of an engine that cuts ties where it likes
tiles.py         scenes and tiles as an engine keeps them
"""

from typing import TYPE_CHECKING

from scenehash.lazy_names import lazy_names

from .address import Address, is_address

if TYPE_CHECKING:
    from .engine_store import EngineStore
    from .pushing import PushReport, push

__all__ = ["Address", "EngineStore", "PushReport", "is_address", "push"]

# A search of a store asks whether an address is meant, and no more.
__getattr__ = lazy_names(
    __name__, {"EngineStore": "engine_store", "PushReport": "pushing", "push": "pushing"}
)

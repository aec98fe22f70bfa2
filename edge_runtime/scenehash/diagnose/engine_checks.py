"""Checks of an engine."""

import time

import numpy as np

from scenehash.engines import EngineStore
from scenehash.errors import ConfigurationError, MissingExtraError, StoreError
from scenehash.model.hash_model import HashModel
from scenehash.store import SearchRequest

from .checks import Finding

SEARCHES = 10
# The milliseconds of a slow search.
SLOW = 2000.0


def check_engine(address: str, model: HashModel) -> list[Finding]:
    """An engine must answer, have codes of the model, and find a stored tile by its code."""
    try:
        with EngineStore.open(address) as engine:
            return [
                Finding("engine", "good", f"{address}: {engine.backend.name} answers"),
                *_check_collection(engine, model),
            ]
    except (ConfigurationError, MissingExtraError, StoreError) as error:
        return [Finding("engine", "bad", str(error))]


def _check_collection(engine: EngineStore, model: HashModel) -> list[Finding]:
    engine.check(model.lineage, model.width_for(engine.bits))
    tiles, stations = len(engine), engine.stations
    names = ", ".join(f"{own.name} ({own.tiles:,})" for own in stations) or "none"
    pushed = sum(own.tiles for own in stations)
    what = f"{tiles:,} tiles of {engine.bits} bits, of this model; stations: {names}"
    store = Finding("store", "good", what)
    if tiles != pushed:
        remedy = "a push was interrupted, or still runs: run it again"
        store = Finding("store", "warning", f"{what}; pushes announced {pushed:,}", remedy)
    return [store, _check_search(engine)]


def _check_search(engine: EngineStore) -> Finding:
    """Whether stored tiles are found by their own codes, and the time for it."""
    code, times = np.zeros((1, engine.bits // 8), np.uint8), []
    for _ in range(SEARCHES):
        begun = time.perf_counter()
        hits, _ = engine.search_any(SearchRequest(code, 1))
        times.append(1e3 * (time.perf_counter() - begun))
        if not hits:
            return Finding("search", "note", "the collection has no tiles")
        if len(times) > 1 and hits[0].distance:
            remedy = "the index is not exact; push to a new collection, with scenehash's own index"
            return Finding("search", "bad", "a stored code does not find itself", remedy)
        code = engine.codes_of(hits)
    median = float(np.median(times))
    what = f"a stored tile finds itself; {median:,.0f} ms a search, by this line"
    remedy = "more memory or nodes for the engine, or a nearer one: docs/engines.md"
    if median > SLOW:
        return Finding("search", "warning", what, remedy)
    return Finding("search", "good", what)

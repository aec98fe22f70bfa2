"""Alerts that could not follow a store to another model, beside those that could."""

from pathlib import Path
from typing import NamedTuple

from scenehash.store import Alert, CodeStore

DISABLED = "it has no example with a code by the store's model; add it again with other examples"


class DisabledAlert(NamedTuple):
    """An alert that could not follow a store to another model, and the store that it is kept in."""

    alert: Alert
    path: Path


def disabled_alerts(store: CodeStore) -> list[DisabledAlert]:
    """The alerts that could not follow a store to its model: see scenehash.rehash."""
    names = set(store.alerts.names())
    found = []
    for one in store.earlier():
        with CodeStore.open(one.path) as earlier:
            found += [DisabledAlert(alert, one.path) for alert in earlier.alerts.list()]
    return [one for one in found if one.alert.name not in names]

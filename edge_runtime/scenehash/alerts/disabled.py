"""Alerts that could not be converted to a store's new model."""

from pathlib import Path
from typing import NamedTuple

from scenehash.store import Alert, CodeStore

DISABLED = (
    "it has no example with a code by the store's model; add it again with other examples, or make "
    "its examples available and rehash the store again with the same model"
)


class DisabledAlert(NamedTuple):
    """An alert that could not be converted, and the store that keeps it."""

    alert: Alert
    path: Path


def disabled_alerts(store: CodeStore) -> list[DisabledAlert]:
    """The alerts that could not be converted to the store's model: see scenehash.rehash."""
    names = set(store.alerts.names())
    found = []
    for one in store.earlier():
        with CodeStore.open(one.path) as earlier:
            found += [DisabledAlert(alert, one.path) for alert in earlier.alerts.list()]
    return [one for one in found if one.alert.name not in names]

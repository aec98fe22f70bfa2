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
    names = {alert.name for alert in store.alerts.list()}
    found = []
    for one in store.earlier():
        with CodeStore.open(one.path) as earlier:
            found += [DisabledAlert(alert, one.path) for alert in earlier.alerts.list()]
    return [one for one in found if one.alert.name not in names]


def remove_alert(store: CodeStore, name: str) -> None:
    """Remove an alert of a store that is open for writing, durably, also a disabled one.

    Raises StoreError when there is none of that name.
    """
    disabled = [one.path for one in disabled_alerts(store) if one.alert.name == name]
    if not disabled:
        store.alerts.remove(name)
    for path in disabled:
        with CodeStore.open(path, writable=True, wait=True) as earlier:
            earlier.alerts.remove(name)


def alerts_document(store: CodeStore) -> dict[str, object]:
    """The alerts, by name; and those that could not follow the store to another model."""
    return {
        "store": str(store.path),
        "alerts": [alert.document() for alert in store.alerts.list()],
        "disabled": [one.alert.document() for one in disabled_alerts(store)],
    }

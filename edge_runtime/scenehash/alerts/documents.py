"""The alerts of a store as plain values, as JSON has them."""

from scenehash.store import CodeStore

from .disabled import disabled_alerts


def alerts_document(store: CodeStore) -> dict[str, object]:
    """The alerts, by name; and those that could not follow the store to another model."""
    return {
        "store": str(store.path),
        "alerts": [alert.document() for alert in store.alerts.list()],
        "disabled": [one.alert.document() for one in disabled_alerts(store)],
    }

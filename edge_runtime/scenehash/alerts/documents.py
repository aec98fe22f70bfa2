"""The alerts of a store as plain values for JSON."""

from scenehash.store import CodeStore

from .disabled import disabled_alerts


def alerts_document(store: CodeStore) -> dict[str, object]:
    """The alerts by name, and the disabled alerts."""
    return {
        "store": str(store.path),
        "alerts": [alert.document() for alert in store.alerts.list()],
        "disabled": [one.alert.document() for one in disabled_alerts(store)],
    }

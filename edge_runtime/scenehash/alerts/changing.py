"""Changes of an alert: confirming, rejecting, another radius or rate, removing."""

import dataclasses
import shlex

from scenehash.errors import ConfigurationError, NotStoredError
from scenehash.retrieval.query import ROW_PREFIX, Query
from scenehash.store import Alert, CodeStore, SceneVectors

from .disabled import disabled_alerts
from .example_vectors import known_vectors, vectors_by_source, vectors_of
from .false_alarm_rate import Rate
from .fitted_alert import fitted
from .making import checked_radius


def confirm_match(store: CodeStore, name: str, row: int) -> Alert:
    """Make a stored tile an example of an alert, durably.

    The tile is no longer a negative. An alert with a false alarm rate gets a new rule. Raises
    NotStoredError when there is no such alert or row.
    """
    return _judged(store, name, row, is_match=True)


def reject_match(store: CodeStore, name: str, row: int) -> Alert:
    """Make a stored tile a negative of an alert, durably.

    The tile is no longer an example. An alert with a false alarm rate gets a new rule. Raises
    NotStoredError when there is no such alert or row, and ConfigurationError when the tile is the
    only example.
    """
    return _judged(store, name, row, is_match=False)


def forget_match(store: CodeStore, name: str, row: int) -> Alert:
    """Remove a stored tile from the examples or negatives of an alert, durably.

    An alert with a false alarm rate gets a new rule. Raises NotStoredError when there is no such
    alert, or when the row is neither an example nor a negative; ConfigurationError when it is the
    only example.
    """
    source = f"{ROW_PREFIX}{row}"
    with store.transaction():
        before = store.alerts.get(name)
        if source not in before.sources:
            raise NotStoredError(
                f"{source}: neither an example nor a negative of {name} (see: scenehash alert "
                "list --json)"
            )
        return _changed(store, before, before.without(source), source, None)


def set_radius(store: CodeStore, name: str, radius: int) -> Alert:
    """Give an alert another radius, in bits, durably; ConfigurationError on a bad radius."""
    chosen = checked_radius(radius, store.bits)
    with store.transaction():
        alert = dataclasses.replace(store.alerts.get(name), radius=chosen, rule=None)
        store.alerts.add(alert, replace=True)
    return alert


def set_false_alarm_rate(store: CodeStore, name: str, false_alarms: str | None = None) -> Alert:
    """Choose a new rule for a false alarm rate of an alert, durably.

    The stored tiles of now decide. false_alarms: the rate; None: the alert's present rate. Raises
    NotStoredError when there is no such alert, and ConfigurationError as make_alert, and when the
    alert has no rate.
    """
    with store.transaction():
        alert = store.alerts.get(name)
        if false_alarms is None and alert.rule is None:
            raise ConfigurationError(
                f"{name}: it has a radius and no false alarm rate; give a rate"
            )
        known = "" if alert.rule is None else alert.rule.expected.asked
        rate = Rate.parse(known if false_alarms is None else false_alarms)
        alert = fitted(store, alert, known_vectors(store, alert), rate.text, rate.share(store))
        store.alerts.add(alert, replace=True)
    return alert


def remove_alert(store: CodeStore, name: str) -> None:
    """Remove an alert, also a disabled one, from a store that is open for writing, durably.

    Raises StoreError when there is no alert with that name.
    """
    disabled = [one.path for one in disabled_alerts(store) if one.alert.name == name]
    if not disabled:
        store.alerts.remove(name)
    for path in disabled:
        with CodeStore.open(path, writable=True, wait=True) as earlier:
            earlier.alerts.remove(name)


def _judged(store: CodeStore, name: str, row: int, is_match: bool) -> Alert:
    query = Query.from_row(store, row)
    with store.transaction():
        before = store.alerts.get(name)
        alert = before.judged(query.code, query.text, is_match)
        return _changed(store, before, alert, query.text, vectors_of(query, store))


def _changed(
    store: CodeStore, before: Alert, alert: Alert, source: str, vectors: SceneVectors | None
) -> Alert:
    """Store an alert whose examples have changed, with a new rule."""
    if not len(alert.examples):
        raise ConfigurationError(
            f"{source}: the only example of {alert.name}; confirm another tile first, or remove "
            f"the alert with: scenehash alert remove {shlex.quote(alert.name)}"
        )
    if before.rule is not None:
        asked = before.rule.expected
        known: dict[str, SceneVectors | None] = dict(vectors_by_source(before))
        known.setdefault(source, vectors)
        own = [known.get(source) for source in alert.sources]
        alert = fitted(store, alert, own, asked.asked, asked.asked_share)
    store.alerts.add(alert, replace=True)
    return alert

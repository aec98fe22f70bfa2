"""Alerts in blocks: examples and rule as codes and numbers, without their files."""

from dataclasses import replace

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import BundleError
from scenehash.printable import printable
from scenehash.store import Alert
from scenehash.store.alert_rule import rule_of

from .wire import Reader, Writer

MOST_NAME = 256


def put_codes(out: Writer, codes: Codes) -> None:
    """Write codes uint8 [N, K/8]: their number, then the codes."""
    out.number(len(codes))
    out.raw(np.ascontiguousarray(codes).data)


def take_codes(found: Reader, bits: int) -> Codes:
    """Read codes uint8 [N, K/8] of this width."""
    count = found.count(bits // 8)
    return np.frombuffer(found.raw(count * bits // 8), np.uint8).reshape(count, bits // 8)


def put_alert(out: Writer, alert: Alert) -> None:
    """Write an alert."""
    out.text(alert.name)
    out.number(alert.radius)
    put_codes(out, alert.examples)
    put_codes(out, alert.negatives)
    # The data that it was fitted on stays at the sender.
    rule = None if alert.rule is None or not alert.is_fitted else replace(alert.rule, vectors=None)
    head, numbers = ("", b"") if rule is None else rule.stored()
    out.text(head)
    out.blob(numbers)


def take_alert(found: Reader, bits: int) -> Alert:
    """Read an alert whose codes are so many bits wide; its sources are the codes themselves."""
    name, radius = found.text(), found.number(bits)
    if not name.strip() or len(name) > MOST_NAME or name != printable(name):
        raise BundleError("an alert whose name is not one line of text")
    examples, negatives = take_codes(found, bits), take_codes(found, bits)
    if not len(examples):
        raise BundleError(f"alert {name}: it has no example")
    head, numbers = found.text(), found.blob()
    try:
        rule = rule_of(head, numbers) if head else None
    except (TypeError, ValueError, LookupError, RecursionError) as error:
        raise BundleError(f"alert {name}: its rule is not valid") from error
    sources = tuple(f"code:{code.tobytes().hex()}" for code in (*examples, *negatives))
    return Alert(name, radius, examples, negatives, sources, rule=rule)

"""The rule of an alert, as a store keeps it."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from scenehash.alerts.changing import confirm_match, remove_alert, set_radius
from scenehash.alerts.judging import EXCLUDED, judge, rule_scores
from scenehash.cli.alert import rule_text
from scenehash.errors import StoreDamagedError
from scenehash.store import Alert, CodeStore, Expected, Rule, SceneVectors, fitted_on

from ..store.samples import scene

BITS, DIMS = 64, 12


def codes(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, BITS // 8), np.uint8)


def values(count: int, seed: int) -> SceneVectors:
    rng = np.random.default_rng(seed)
    return SceneVectors("frame", rng.integers(-127, 128, (count, DIMS), np.int8))


def make_alert(frame: str | None = "frame") -> Alert:
    examples, negatives, known = codes(3, 1), codes(2, 2), values(5, 3)
    dims = BITS if frame is None else DIMS
    rng = np.random.default_rng(4)
    templates = rng.standard_normal((5, dims)).astype(np.float32)
    rule = Rule(
        "nearest",
        frame,
        rng.standard_normal(dims).astype(np.float32),
        templates / np.linalg.norm(templates, axis=1, keepdims=True),
        3,
        0.0625,
        Expected("1/day", 0.001, 0.0009, 0.8, 500),
        fitted_on(examples, negatives),
        known,
    )
    sources = ("row:1", "row:2", "row:3", "row:4", "row:5")
    return Alert("quay", 7, examples, negatives, sources, rule=rule)


@pytest.fixture
def store(tmp_path: Path) -> CodeStore:
    return CodeStore.create(tmp_path / "s", "lineage", BITS, "model")


def test_another_radius_takes_nothing_back_that_changes_meanwhile(
    store: CodeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add([scene(7)])
    store.alerts.add(replace(make_alert(), rule=None))
    confirming = Thread(target=confirm_match, args=(store, "quay", 0))
    get = store.alerts.get

    def get_slowly(name: str) -> Alert:
        alert = get(name)
        monkeypatch.undo()
        confirming.start()
        confirming.join(0.3)
        return alert

    monkeypatch.setattr(store.alerts, "get", get_slowly)
    set_radius(store, "quay", 5)
    confirming.join()
    alert = store.alerts.get("quay")
    assert (alert.radius, "row:0" in alert.sources) == (5, True)


@pytest.mark.parametrize("frame", ["frame", None])
def test_a_rule_is_read_as_it_was_written(store: CodeStore, frame: str | None) -> None:
    alert, tiles, vectors = make_alert(frame), codes(50, 9), values(50, 9)
    store.alerts.add(alert)
    (found,) = store.alerts.list()
    assert found.is_fitted
    assert found.document() == alert.document()
    assert found.document()["rule"] == {
        "kind": "nearest",
        "of": "codes" if frame is None else "representations",
        "threshold": 0.0625,
        "asked": "1/day",
        "asked_per_1000": 1.0,
        "false_alarms_per_1000": 0.9,
        "recall": 0.8,
        "tiles": 500,
        "fitted": True,
    }
    before, after = (judge(one, tiles, vectors) for one in (alert, found))
    assert np.array_equal(before.matches, after.matches)
    assert before.scores is not None
    assert after.scores is not None
    assert np.array_equal(before.scores, after.scores)
    assert 0 < before.matches.sum() < 50
    assert store.verify() == []


def test_a_score_is_that_of_a_plain_loop() -> None:
    alert, tiles, vectors = make_alert(), codes(40, 9), values(40, 9)
    rule = alert.rule
    assert rule is not None
    for vector, score in zip(vectors.values, rule_scores(rule, tiles, vectors), strict=True):
        own = vector.astype(np.float64) - rule.centre
        products = [float(own @ one / np.linalg.norm(own)) for one in rule.templates]
        like, unlike = max(products[:3]), max(products[3:])
        assert score == pytest.approx(like if like > unlike else EXCLUDED, abs=1e-5)


def test_a_rule_says_if_it_gives_far_more_false_alarms_than_were_asked_for() -> None:
    alert = make_alert()
    assert alert.rule is not None
    expected = replace(alert.rule.expected, asked="1/1000", asked_share=0.001, share=0.0012)
    texts = [
        rule_text(replace(alert, rule=replace(alert.rule, expected=replace(expected, share=share))))
        for share in (0.0012, 1.0)
    ]
    assert "expected 1.2 in 1,000 tiles, recall" in texts[0]
    assert "expected 1,000 in 1,000 tiles (far more than asked" in texts[1]


def test_the_radius_decides_where_the_rule_cannot(store: CodeStore) -> None:
    alert, tiles = make_alert(), np.concatenate([codes(3, 1), codes(20, 9)])
    for vectors in (None, SceneVectors("another", values(23, 9).values)):
        judged = judge(alert, tiles, vectors)
        assert judged.scores is None
        assert judged.matches[:3].all()
    # Another model's codes end a rule, and what was asked for stays.
    other = replace(alert, examples=codes(3, 8))
    assert judge(other, tiles, values(23, 9)).scores is None
    store.alerts.add(other)
    rule = store.alerts.get("quay").document()["rule"]
    assert isinstance(rule, dict)
    assert (rule["fitted"], rule["asked"]) == (False, "1/day")


def test_a_rule_goes_with_its_alert(store: CodeStore) -> None:
    store.alerts.add(make_alert())
    store.alerts.add(replace(make_alert(), rule=None), replace=True)
    assert store.alerts.get("quay").rule is None
    store.alerts.add(make_alert(), replace=True)
    store.alerts.remove("quay")
    store.alerts.add(replace(make_alert(), rule=None))
    assert store.alerts.get("quay").rule is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE alert_rule SET head = '[]'",
        "UPDATE alert_rule SET head = replace(head, '0.0625', '0.05')",
        "UPDATE alert_rule SET numbers = x'00'",
        "UPDATE alert_rule SET numbers = 'text'",
        "UPDATE alert_rule SET seal = x'00'",
    ],
)
def test_a_damaged_rule_is_named(store: CodeStore, change: str) -> None:
    store.alerts.add(make_alert())
    path = store.path
    store.close()
    with sqlite3.connect(path / "catalog.sqlite") as catalog:
        catalog.execute(change)
    catalog.close()
    with CodeStore.open(path, writable=True) as opened:
        assert [line for line in opened.verify() if "alert quay" in line]
        for read in (opened.alerts.list, lambda: opened.alerts.get("quay")):
            with pytest.raises(StoreDamagedError, match="alert quay"):
                read()
        remove_alert(opened, "quay")
        assert opened.verify() == []


@pytest.mark.parametrize(
    "change", ["UPDATE alert SET radius = 60", "UPDATE alert_rule SET numbers = x'00'"]
)
def test_an_alert_is_read_whatever_is_wrong_with_another(store: CodeStore, change: str) -> None:
    store.alerts.add(make_alert())
    store.alerts.add(replace(make_alert(), name="airport"))
    with sqlite3.connect(store.path / "catalog.sqlite") as catalog:
        catalog.execute(f"{change} WHERE name = 'airport'")
    catalog.close()
    assert store.alerts.get("quay").document() == make_alert().document()
    store.alerts.remove("quay")
    with pytest.raises(StoreDamagedError, match="alert airport"):
        store.alerts.get("airport")


@pytest.mark.parametrize(
    "change",
    [
        {"templates": 1 << 40},
        {"positives": 6},
        {"dims": 0},
        {"kind": "magic"},
        {"threshold": float("nan")},
        {"vectors": ["frame", 1 << 30, 1 << 30]},
        {"expected": None},
    ],
)
def test_a_rule_that_makes_no_sense_is_damage_whoever_wrote_it(
    store: CodeStore, change: dict[str, object]
) -> None:
    alert = make_alert()
    assert alert.rule is not None
    head, numbers = alert.rule.stored()

    changed = json.dumps(json.loads(head) | change)

    class Odd(Rule):
        def stored(self) -> tuple[str, bytes]:
            return changed, numbers

    odd = Odd(**{name: getattr(alert.rule, name) for name in Rule.__dataclass_fields__})
    store.alerts.add(replace(alert, rule=odd))
    with pytest.raises(StoreDamagedError, match="alert quay"):
        store.alerts.list()

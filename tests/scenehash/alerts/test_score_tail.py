"""False alarm rates: what an archive's own scores tell, and which rule is chosen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash.alerts.false_alarm_rate import Rate
from scenehash.alerts.judging import rule_scores
from scenehash.alerts.rule_fitting import Candidates, Samples
from scenehash.alerts.score_tail import fit_tail
from scenehash.codes import pack
from scenehash.errors import ConfigurationError
from scenehash.store import SceneVectors


@pytest.mark.parametrize("of_kind", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("share", [0.002, 0.01, 0.05])
def test_false_alarms_are_counted_apart_from_the_kind_that_nobody_named(
    of_kind: float, share: float
) -> None:
    rng = np.random.default_rng(1)
    others, kind = rng.exponential(0.1, 4000), rng.normal(0.9, 0.08, round(4000 * of_kind))
    tail = fit_tail(np.concatenate([others, kind]), rng.normal(0.9, 0.08, 6))
    had = float((rng.exponential(0.1, 100_000) >= tail.threshold(share)).mean())
    assert 0.6 * share < had < 1.5 * share
    assert tail.share_above(tail.threshold(share)) == pytest.approx(share, rel=0.1)


def test_examples_of_one_place_are_not_taken_for_their_whole_kind() -> None:
    rng = np.random.default_rng(1)
    others, kind = rng.exponential(0.06, 400), rng.normal(0.75, 0.09, 25)
    tail = fit_tail(np.concatenate([others, kind]), np.array([0.95, 0.92, 0.9, 0.88, 0.85]))
    threshold = tail.threshold(0.005)
    assert (kind >= threshold).mean() > 0.8
    assert tail.recall(threshold) == pytest.approx((kind >= threshold).mean(), abs=0.15)
    assert (rng.exponential(0.06, 100_000) >= threshold).mean() < 0.01


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=60),
    st.lists(st.floats(-1, 1, width=32), max_size=4),
    st.floats(1e-6, 0.1),
)
def test_whatever_the_scores_a_threshold_is_a_number(
    scores: list[float], of_kind: list[float], share: float
) -> None:
    tail = fit_tail(np.array(scores, np.float32), np.array(of_kind, np.float32))
    threshold = tail.threshold(share)
    assert np.isfinite(threshold)
    assert 0 <= tail.share_above(threshold) <= 1
    assert 0 <= tail.recall(threshold) <= 1
    assert tail.threshold(share / 2) >= threshold


def clouds(rng: np.random.Generator, count: int, at: int) -> Samples:
    """Tiles around one of several middles: 16 bits tell little of them, 24 components much."""
    middles = np.random.default_rng(5).normal(0, 1, (12, 24))
    values = middles[at] + rng.normal(0, 0.7, (count, 24))
    codes = pack(values[:, :16] + rng.normal(0, 2, (count, 16)))
    return Samples(codes, SceneVectors("f", np.clip(20 * values, -127, 127).astype(np.int8)))


def joined(*parts: Samples) -> Samples:
    vectors = [part.vectors.values for part in parts if part.vectors is not None]
    codes = np.concatenate([part.codes for part in parts])
    return Samples(codes, SceneVectors("f", np.concatenate(vectors)))


def test_a_rule_has_about_the_false_alarms_that_it_was_asked_for() -> None:
    asked, had, recall, peer = 0.01, [], [], []
    for draw in range(6):
        rng = np.random.default_rng(draw)
        like, none = clouds(rng, 5, 0), clouds(rng, 0, 0)
        archive = joined(*(clouds(rng, 60, at) for at in range(12)))
        rule, radius = Candidates.fit(like, none, archive).rule("1/100", asked)
        strangers = joined(*(clouds(rng, 200, at) for at in range(1, 12)))
        own = clouds(rng, 200, 0)
        had.append((rule_scores(rule, strangers.codes, strangers.vectors) >= rule.threshold).mean())
        recall.append((rule_scores(rule, own.codes, own.vectors) >= rule.threshold).mean())
        assert rule.frame == "f"
        assert rule.expected.recall is not None
        assert abs(rule.expected.recall - recall[-1]) < 0.4
        assert rule.expected.share == pytest.approx(asked, rel=0.5)
        assert 0 <= radius < 16
        bits = np.bitwise_count(own.codes[:, None] ^ like.codes[None]).sum(axis=2).min(axis=1)
        peer.append((bits <= radius).mean())
    assert np.mean(had) < 2 * asked
    assert np.mean(recall) > 0.8 > np.mean(peer)


def test_a_tile_that_was_rejected_does_not_match_again() -> None:
    rng = np.random.default_rng(0)
    archive = joined(*(clouds(rng, 60, at) for at in range(12)))
    like, near = clouds(rng, 5, 0), clouds(rng, 5, 1)
    for frame in ("f", None):
        some, other, all_tiles = (
            part if frame else Samples(part.codes) for part in (like, near, archive)
        )
        rule, _ = Candidates.fit(some, other, all_tiles).rule("1/100", 0.01)
        assert rule.frame == frame
        scores = rule_scores(rule, other.codes, other.vectors)
        assert (scores < rule.threshold).mean() > 0.7


def test_tiles_that_negatives_exclude_are_no_reason_for_a_low_threshold() -> None:
    middles = np.random.default_rng(5).normal(0, 1, (12, 64))
    for draw in range(6):
        rng = np.random.default_rng(draw)

        def codes(count: int, *kinds: int, rng: np.random.Generator = rng) -> Samples:
            noise = rng.normal(0, 1.2, (len(kinds) * count, 64))
            return Samples(pack(np.repeat(middles[list(kinds)], count, axis=0) + noise))

        like, unlike, archive = codes(4, 0), codes(1, 0, 3, 6), codes(60, *range(12))
        rule, _ = Candidates.fit(like, unlike, archive).rule("1/100", 0.01)
        shares = [
            float((rule_scores(rule, some.codes, None) >= rule.threshold).mean())
            for some in (codes(200, *range(1, 12)), codes(200, 0))
        ]
        assert shares[0] < 0.02
        assert rule.expected.recall == pytest.approx(shares[1], abs=0.2)


def test_a_kind_that_negatives_exclude_wholly_matches_nothing() -> None:
    rng = np.random.default_rng(0)
    like, archive = clouds(rng, 3, 0).codes, clouds(rng, 60, 1).codes
    fitted = Candidates.fit(Samples(like), Samples(like), Samples(archive))
    for one in fitted.tried:
        rule, _ = Candidates(fitted.like, fitted.unlike, 60, (one,)).rule("1/100", 0.01)
        if one.kind == "nearest":
            assert not (rule_scores(rule, archive, None) >= rule.threshold).any()
            assert (rule.expected.share, rule.expected.recall) == (0, 0)


def test_a_linear_rule_needs_more_tiles_than_directions() -> None:
    rng = np.random.default_rng(0)
    few, many = (joined(*(clouds(rng, count, at) for at in range(12))).codes for count in (5, 6))
    like, none = Samples(clouds(rng, 5, 0).codes), Samples(clouds(rng, 0, 0).codes)
    kinds = [
        {one.kind for one in Candidates.fit(like, none, Samples(codes)).tried}
        for codes in (few, many)
    ]
    assert kinds == [{"nearest", "centroid"}, {"nearest", "centroid", "linear"}]


def test_one_example_is_compared_with_and_nothing_is_expected_of_recall() -> None:
    rng = np.random.default_rng(0)
    archive = joined(*(clouds(rng, 60, at) for at in range(12)))
    rule, radius = Candidates.fit(clouds(rng, 1, 0), clouds(rng, 0, 0), archive).rule("1/100", 0.01)
    assert (rule.kind, rule.frame, rule.expected.recall) == ("nearest", None, None)
    distances = np.bitwise_count(archive.codes ^ clouds(np.random.default_rng(0), 1, 0).codes)
    assert radius < 16
    assert len(distances) == len(archive)


@pytest.mark.parametrize(
    ("text", "alarms", "days", "tiles"),
    [("1/day", 1, 1, None), ("2/week", 2, 7, None), (" 3 / 1000 ", 3, None, 1000),
     ("0.5/hour", 0.5, 1 / 24, None)],
)  # fmt: skip
def test_rates_are_read(text: str, alarms: float, days: float | None, tiles: int | None) -> None:
    assert Rate.parse(text) == Rate(text.strip(), alarms, days, tiles)


@pytest.mark.parametrize("text", ["", "1", "0/day", "1/0", "-1/day", "1/moon", "nan/day", "1/1e9"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="false alarms"):
        Rate.parse(text)


class _SlowStore:
    """A store whose scenes came years apart."""

    def tiles_a_day(self) -> float:
        return 0.14


def test_a_rate_in_a_time_in_which_hardly_a_tile_comes_says_how_many_do() -> None:
    with pytest.raises(ConfigurationError, match=r"0\.14 arrive in that time.*such as 2/1000"):
        Rate.parse("1/day").share(_SlowStore())  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"all tiles; give a lower"):
        Rate.parse("5/10").share(_SlowStore())  # type: ignore[arg-type]

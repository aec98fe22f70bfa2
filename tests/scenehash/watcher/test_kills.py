"""Scenes arrive anyhow while the watch is killed again and again: none is lost, none comes twice.

SCENEHASH_WATCH_SCENES=200 SCENEHASH_WATCH_SECONDS=120 make it longer.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.watch import Rehearsal, rehearse

SCENES = int(os.environ.get("SCENEHASH_WATCH_SCENES", "80"))
SECONDS = float(os.environ.get("SCENEHASH_WATCH_SECONDS", "30"))


@pytest.mark.slow
def test_killed_ten_times_each_scene_is_stored_once_and_reported_once(tmp_path: Path) -> None:
    outcome = rehearse(Rehearsal(SCENES, kills=10, seconds=SECONDS, settle=1.0), tmp_path)
    good = set(outcome.complete)
    assert len(good) + len(outcome.broken) == SCENES
    assert outcome.broken
    assert Counter(outcome.stored) == Counter(good)
    assert outcome.reported("scene") == Counter(good)
    assert sorted(outcome.quarantined) == sorted(outcome.broken)
    aside = outcome.reported("set_aside")
    assert {path: aside[path] for path in outcome.broken} == dict.fromkeys(outcome.broken, 1)
    numbers = [event["event"] for _, event in outcome.seen]
    assert numbers == list(range(1, len(numbers) + 1))
    assert outcome.damage == []
    assert outcome.status == 143

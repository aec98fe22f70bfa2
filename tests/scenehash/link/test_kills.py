"""Killed at any instant of packing and applying, the link goes on, and nothing is lost."""

import random

import pytest

from scenehash.link import PackOptions, apply_bundles, link_status, pack_bundle

from ...kills import run_killed
from ..store.samples import placed
from .comparing import assert_merged
from .test_exchange import exchange, station


@pytest.mark.slow
def test_kills_of_pack_and_apply_lose_nothing(tmp_path):
    chance = random.Random(18)
    one = station(tmp_path / "one", "one", *(placed(number, 12) for number in range(40)))
    ground, folder = tmp_path / "ground", tmp_path / "bundles"
    folder.mkdir()

    def pack():
        for _ in range(20):
            pack_bundle(one, "ground", folder, PackOptions(max_bytes=1500))

    def take():
        apply_bundles(sorted(folder.glob("*.shlb")), ground)

    for _ in range(6):
        run_killed(pack, chance.uniform(0, 0.5))
        run_killed(take, chance.uniform(0, 0.5))
    take()
    partial = [path for path in folder.glob(".*") if path.suffix == ".partial"]
    for path in partial:
        path.unlink()
    exchange(tmp_path, [one], ground, max_bytes=4000)
    assert_merged(ground, [one])
    (told,) = link_status(ground)["received"]
    assert told["complete"] and told["digest"] == told["digest_of_station"]

"""docs/link.md is enough: a C program that has nothing else writes a bundle that is taken."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore
from scenehash.link import apply_bundles, link_status

SOURCE = Path(__file__).parents[3] / "docs" / "minimal_bundle.c"
COMPILER = shutil.which("cc")


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
def test_a_bundle_of_a_c_program_is_taken_and_complete(tmp_path):
    program, bundle = tmp_path / "program", tmp_path / "sat-7.shlb"
    warnings = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    subprocess.run([str(COMPILER), *warnings, "-o", program, SOURCE], check=True)
    bundle.write_bytes(subprocess.run([program], check=True, capture_output=True).stdout)
    (applied,) = apply_bundles([bundle], tmp_path / "ground")
    assert (applied.set_aside, applied.station, applied.tiles) == ([], "sat-7", 2)
    (told,) = link_status(tmp_path / "ground")["received"]
    assert told["complete"], told
    with CodeStore.open(tmp_path / "ground") as store:
        found = store.read_scene(bytes(range(16)).hex())
        assert found is not None
        record, codes = found
        assert codes.tobytes() == bytes(range(16))
        assert (record.path, record.labels) == ("sat-7:/orbit/1042.tif", ("harbor",))
        assert record.time == 1_800_000_000
        assert record.footprints is not None
        assert record.footprints.shape == (2, 4, 2)
        assert np.array_equal(record.footprints[1, 2], [8.2, 46.9])

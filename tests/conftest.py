"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real images; a test that needs it is skipped where it is absent."""
    root = Path(os.environ.get("SCENEHASH_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (root / "ucmerced").is_dir():
        absent = f"no real images at {root} (set SCENEHASH_DATA)"
        if "SCENEHASH_REQUIRE_DATA" in os.environ:
            pytest.fail(absent)
        pytest.skip(absent)
    return root

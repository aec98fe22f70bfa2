"""Fixtures of the tests of the command line."""

from pathlib import Path

import pytest

from ...command_line import run


@pytest.fixture(scope="module")
def store(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of what a module calls scenes."""
    path = tmp_path_factory.mktemp("stores") / "s"
    assert run("ingest", scenes, "--store", path).exit_code == 0
    return path

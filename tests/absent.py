"""What a machine may lack: its tests are skipped there, and fail where SCENEHASH_REQUIRE names it.

SCENEHASH_REQUIRE is a list of words: data, packages, postgres, postgis, chromium. CI names what it
has installed (.ci/run), so that no test is skipped there in silence.
"""

import importlib
import os
from typing import Any, NoReturn

import pytest


def absent(what: str, reason: str) -> NoReturn:
    """Skip the test, or all of a module, with a reason; fail where it is required."""
    if what in os.environ.get("SCENEHASH_REQUIRE", "").split():
        pytest.fail(f"{reason}; SCENEHASH_REQUIRE says that it is here")
    pytest.skip(reason, allow_module_level=True)


def package(name: str, reason: str = "") -> Any:
    """A module of a package that need not be installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        absent("packages", reason or f"{name} is not installed")

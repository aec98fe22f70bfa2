"""Fixtures of the tests of searches."""

import pytest

from scenehash import HashModel


@pytest.fixture(scope="session")
def model() -> HashModel:
    return HashModel.load(threads=1)

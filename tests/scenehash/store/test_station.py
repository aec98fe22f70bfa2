"""A store has the name of its station, once somebody gave it one."""

import pytest

from scenehash import CodeStore
from scenehash.errors import ConfigurationError
from scenehash.store.documents import info_document


def test_a_store_keeps_the_name_of_its_station(tmp_path):
    with CodeStore.create(tmp_path / "s", "a" * 16, 64, "model") as store:
        assert store.station is None
        store.name_station("north-1")
        store.name_station("north-2")
    with CodeStore.open(tmp_path / "s") as store:
        assert store.station == info_document(store)["station"] == "north-2"
        assert store.verify() == []


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a/b", "..", "-x", "a\n", "x" * 65, '"'])
def test_a_name_that_would_mean_something_else_is_refused(tmp_path, name):
    with CodeStore.create(tmp_path / "s", "a" * 16, 64, "model") as store:
        with pytest.raises(ConfigurationError, match="name is a word"):
            store.name_station(name)
        assert store.station is None

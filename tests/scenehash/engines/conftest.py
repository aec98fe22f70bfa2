"""Four ways to keep tiles that answer alike: a store, Milvus Lite, a Milvus server, PostgreSQL."""

from collections.abc import Iterator

import pytest

from .corpus import Corpus, make_corpus
from .servers import Milvus, Postgres, running

ENGINES = ("lite", pytest.param("milvus", marks=pytest.mark.slow), "postgres")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("stations"))


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running(Postgres()) as server:
        yield server


@pytest.fixture(scope="module")
def milvus(tmp_path_factory) -> Iterator[Milvus]:
    pytest.importorskip("pymilvus", reason="no client of Milvus is installed")
    with running(Milvus(tmp_path_factory.mktemp("milvus"))) as server:
        yield server


@pytest.fixture(scope="module")
def lite(tmp_path_factory) -> str:
    pytest.importorskip("pymilvus", reason="no client of Milvus is installed")
    pytest.importorskip("milvus_lite", reason="no Milvus Lite is installed")
    return f"milvus://{tmp_path_factory.mktemp('lite')}/tiles.db"


def address_of(request, name: str) -> str:
    """The address of an engine, to which the name of a collection is added."""
    if name == "postgres":
        pytest.importorskip("psycopg", reason="no client of PostgreSQL is installed")
    server = request.getfixturevalue(name)
    return str(getattr(server, "address", server))


@pytest.fixture(scope="module", params=ENGINES)
def engine(request) -> str:
    return address_of(request, request.param)

"""Ways to keep tiles that answer alike: a store, Milvus Lite, a Milvus server, PostgreSQL.

"extended" is a PostgreSQL with PostGIS, and with an operator in the place of pgvector's <~>, which
Debian 12 has no package of.
"""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ...absent import absent, package
from .corpus import Corpus, make_corpus
from .servers import Milvus, Postgres, running

HERE = Path(__file__).parent
NOTHING = SimpleNamespace(params={})
ENGINES = ("lite", "milvus", "postgres", "extended")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts an engine is slow."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        values = {str(value) for value in getattr(item, "callspec", NOTHING).params.values()}
        if HERE in item.path.parents and (fixtures | values) & set(ENGINES):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("stations"))


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running(Postgres()) as server:
        yield server


@pytest.fixture(scope="module")
def extended(postgres: Postgres) -> str:
    psycopg = package("psycopg", reason="no client of PostgreSQL is installed")
    place = {"host": "127.0.0.1", "port": postgres.port, "user": "postgres", "autocommit": True}
    with psycopg.connect(dbname="tiles", **place) as connection:
        connection.execute("CREATE DATABASE extended")
    with psycopg.connect(dbname="extended", **place) as connection:
        try:
            connection.execute("CREATE EXTENSION postgis")
        except psycopg.Error:
            absent("postgis", "no PostGIS is installed (Debian: postgresql-15-postgis-3)")
        connection.execute(
            "CREATE FUNCTION apart(bit, bit) RETURNS float8 IMMUTABLE PARALLEL SAFE LANGUAGE sql "
            "AS 'SELECT bit_count($1 # $2)::float8'"
        )
        connection.execute("CREATE OPERATOR <~> (LEFTARG = bit, RIGHTARG = bit, FUNCTION = apart)")
    return f"pg://postgres@127.0.0.1:{postgres.port}/extended"


@pytest.fixture(scope="module")
def milvus(tmp_path_factory) -> Iterator[Milvus]:
    package("pymilvus", reason="no client of Milvus is installed")
    with running(Milvus(tmp_path_factory.mktemp("milvus"))) as server:
        yield server


@pytest.fixture(scope="module")
def lite(tmp_path_factory) -> str:
    package("pymilvus", reason="no client of Milvus is installed")
    package("milvus_lite", reason="no Milvus Lite is installed")
    return f"milvus://{tmp_path_factory.mktemp('lite')}/tiles.db"


def address_of(request, name: str) -> str:
    """The address of an engine, to which the name of a collection is added."""
    if name in ("postgres", "extended"):
        package("psycopg", reason="no client of PostgreSQL is installed")
    server = request.getfixturevalue(name)
    return str(getattr(server, "address", server))


@pytest.fixture(scope="module", params=ENGINES)
def engine(request) -> str:
    return address_of(request, request.param)

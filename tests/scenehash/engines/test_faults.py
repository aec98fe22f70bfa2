"""A push that is killed, and an engine that goes away: nothing is lost, and nothing is twice."""

import threading
import time

import numpy as np
import pytest

from scenehash import push
from scenehash.engines import EngineStore
from scenehash.errors import EngineError, EngineUnreachableError
from scenehash.store import CodeStore, Filter, SearchRequest

from ...absent import package
from .conftest import address_of
from .corpus import BITS, LINEAGE, make_scenes
from .proxy import Proxy

# Servers, and processes that are killed.
pytestmark = pytest.mark.slow


class Killed(BaseException):
    """What a kill is to a process that cannot tell of it."""


@pytest.fixture
def store(tmp_path):
    with CodeStore.create(tmp_path / "s", LINEAGE, BITS, "test") as store:
        store.name_station("north")
        store.add(make_scenes(4, 30))
        yield store


def assert_same(store: CodeStore, address: str) -> None:
    with EngineStore.open(address) as engine:
        request = SearchRequest(np.zeros((1, BITS // 8), np.uint8), 2 * len(store))
        local = [hit.document() for hit in store.search_any(request)[0]]
        assert [hit.document() for hit in engine.search_any(request)[0]] == local
        assert len(engine) == len(store)


@pytest.mark.parametrize("name", ["lite", "postgres"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_write_the_next_push_puts_all_right(name, after, request, store, monkeypatch):
    address = f"{address_of(request, name)}/kills_{after}"
    monkeypatch.setattr("scenehash.engines.pushing.TILES_A_BATCH", 40)
    if name == "lite":
        from pymilvus.client.grpc_handler import GrpcHandler as Client

        writes: tuple[str, ...] = ("batch_insert", "upsert", "delete")
    else:
        from psycopg import Cursor as Client

        writes = ("execute", "copy")
    left = [0]

    def killing(write):
        def call(*given, **more):
            left[0] -= 1
            if left[0] == 0 and not after:
                raise Killed
            result = write(*given, **more)
            if left[0] == 0:
                raise Killed
            return result

        return call

    for write in writes:
        monkeypatch.setattr(Client, write, killing(getattr(Client, write)))
    kills = 0
    for step in (0, 1):
        for at in range(1, 200, 3):
            left[0] = at
            try:
                push(store, address)
                break
            except Killed:
                kills += 1
        left[0] = 0
        push(store, address)
        assert_same(store, address)
        store.delete(Filter(scene=f"/data/4/scene{step}.tif"))
        store.add(make_scenes(5 + step, 12))
    assert kills > 5


def test_a_line_that_is_cut_and_a_server_that_is_killed_are_waited_for(postgres, store):
    package("psycopg", reason="no client of PostgreSQL is installed")
    proxy = Proxy(("127.0.0.1", postgres.port))
    address = f"pg://postgres@127.0.0.1:{proxy.port}/tiles/cut"
    proxy.cut()
    with pytest.raises(EngineUnreachableError, match="try again"):
        push(store, address, patience=0)
    mended = threading.Thread(target=lambda: (time.sleep(1), proxy.mend()))
    mended.start()
    messages: list[str] = []
    push(store, address, progress=Noting(messages))
    mended.join()
    assert messages
    assert all(str(postgres.port) not in line and "waiting" in line for line in messages)
    assert_same(store, address)
    store.add(make_scenes(8, 10))
    postgres.stop("immediate")
    restarted = threading.Thread(target=lambda: (time.sleep(1), postgres.start()))
    restarted.start()
    push(store, address)
    restarted.join()
    assert_same(store, address)
    proxy.close()


class Noting:
    """Progress that notes its messages."""

    def __init__(self, messages: list[str]) -> None:
        from scenehash.progress import SILENT

        self.task, self.message = SILENT.task, messages.append


@pytest.mark.parametrize("there", ["nobody@HERE/tiles", "postgres@HERE/nothing"])
def test_a_server_that_lets_nobody_in_is_not_waited_for(there, postgres, store):
    address = f"pg://{there.replace('HERE', f'127.0.0.1:{postgres.port}')}/tiles"
    with pytest.raises(EngineError, match=r'(role|database) "no\w+" does not exist') as refused:
        push(store, address, patience=60)
    assert not isinstance(refused.value, EngineUnreachableError)


def test_a_milvus_that_does_not_answer_may_have_refused_the_token(store):
    package("pymilvus", reason="no client of Milvus is installed")
    with pytest.raises(EngineUnreachableError, match="check SCENEHASH_MILVUS_TOKEN"):
        push(store, "milvus://127.0.0.1:1/tiles", patience=0)

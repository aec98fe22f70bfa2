"""A watch beside a rehash: what arrives before the change is part of it, then the watch ends."""

import io
import json
import threading
import time
from pathlib import Path

import pytest

from scenehash import CodeStore, HashModel, SinkOptions, WatchOptions, rehash, watch
from scenehash.errors import LineageError
from scenehash.ingestion import IngestOptions, rereading
from scenehash.scenes import reopen_scene

from ..ingestion.archives import check_codes, make_store, models, write_scenes

SCENES = 8


@pytest.fixture(scope="module")
def by(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HashModel]:
    return models(tmp_path_factory.mktemp("models"))


def test_a_watch_goes_on_during_a_rehash_and_ends_with_a_clear_error_after_it(
    tmp_path: Path, by: dict[str, HashModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming, path = tmp_path / "incoming", tmp_path / "s"
    incoming.mkdir()
    write_scenes(tmp_path / "scenes", range(SCENES))
    make_store(path, tmp_path / "scenes", by["first"])
    ended: list[BaseException] = []
    stream = io.StringIO()

    def watching() -> None:
        ingest = IngestOptions(threads=1)
        options = WatchOptions(settle=0, poll=True, max_backlog=1, ingest=ingest)
        try:
            watch([incoming], path, by["first"], options, SinkOptions(stream))
        except LineageError as error:
            ended.append(error)

    def events() -> list[dict]:
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    watcher = threading.Thread(target=watching)
    watcher.start()
    arrived = threading.Event()

    def slow(file: Path, params: object) -> object:
        """While the second scene is read again, a new one arrives and is reported."""
        if not arrived.is_set() and file.name == "1.png":
            arrived.set()
            write_scenes(incoming, range(SCENES, SCENES + 1))
            until = time.monotonic() + 60
            while not events() and time.monotonic() < until:
                time.sleep(0.05)
        return reopen_scene(file, params)  # type: ignore[arg-type]

    monkeypatch.setattr(rereading, "reopen_scene", slow)
    report = rehash(path, by["other"], threads=1)
    assert report.rehashed == SCENES + 1
    assert [event["kind"] for event in events()] == ["scene"]
    with CodeStore.open(path) as store:
        check_codes(store, by["other"])
        assert store.counts()[0] == SCENES + 1
    # Nothing of the old model is written any more, nor is a file set aside for want of time.
    write_scenes(tmp_path / "late", range(SCENES + 1, SCENES + 4))
    (tmp_path / "late").rename(incoming / "late")
    watcher.join(60)
    assert not watcher.is_alive()
    assert "holds 64-bit codes of model tiny-other" in str(ended[0])
    with CodeStore.open(path) as store:
        assert store.counts()[0] == SCENES + 1
        assert store.quarantine.list() == []
        newest = store.outbox.newest()
    # The next one takes what arrived since, by the model that the store keeps.
    stream = io.StringIO()
    options = WatchOptions(settle=0, poll=True, once=True, ingest=IngestOptions(threads=1))
    watch([incoming], path, None, options, SinkOptions(stream))
    assert [event["event"] for event in events()] == [newest + 1, newest + 2, newest + 3]
    with CodeStore.open(path) as store:
        check_codes(store, by["other"])
        assert store.counts()[0] == SCENES + 4

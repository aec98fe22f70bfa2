"""Jobs: followed, cancelled, and gone on with by the next server; adaptation and rehash as jobs."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from scenehash import CodeStore, HashModel, IngestOptions, ingest
from scenehash.demo.tiles import KINDS, archive_paths
from scenehash.errors import ConfigurationError, StoreBusyError
from scenehash.progress import Progress
from scenehash.serve import jobs, work
from scenehash.serve.job import Job
from scenehash.serve.jobs import Jobs, Work
from scenehash.serve.options import ServeOptions
from scenehash.tiling import Tiling

from ...tiny_model import tiny_model
from .stations import station_client, wait_for
from .test_documents import finished, get, send

Asked = Mapping[str, Any]
Document = Mapping[str, object]


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """Work waits for it; at the end of the test it is set."""
    event = threading.Event()
    yield event
    event.set()


@contextmanager
def started(path: Path, works: Mapping[str, Work]) -> Iterator[tuple[Jobs, list[str]]]:
    lines: list[str] = []
    made = Jobs(path, works, lines.append)
    made.start()
    try:
        yield made, lines
    finally:
        made.close()


def until_ended(job: Job) -> None:
    wait_for(lambda: job.ended is not None)


def waits(held: threading.Event) -> Work:
    """Work of three steps, that waits before its last."""

    def work(_: Asked, progress: Progress) -> Document:
        with progress.task("try", 3) as task:
            task.advance(2)
            assert held.wait(20)
            task.advance(1)
        return {"done": True}

    return work


def test_a_job_that_fails_says_why_and_ends_no_other(tmp_path: Path) -> None:
    def fail(_: Asked, progress: Progress) -> Document:
        with progress.task("try", 3) as task:
            task.advance(2)
        raise ConfigurationError("no sense")

    def crash(_: Asked, __: Progress) -> Document:
        raise ZeroDivisionError("inside")

    works: dict[str, Work] = {"fail": fail, "crash": crash, "say": lambda asked, _: {"said": asked}}
    with started(tmp_path / "jobs.json", works) as (made, lines):
        first, second = made.add("fail"), made.add("crash")
        third = made.add("say", {"a": [1]})
        until_ended(third)
        assert (first.state, first.done, first.total, first.task) == ("failed", 2, 3, "try")
        assert first.error == {
            "type": "urn:scenehash:ConfigurationError", "title": "Unprocessable Entity",
            "status": 422, "detail": "no sense",
        }  # fmt: skip
        assert second.error is not None
        assert "inside" not in str(second.error)
        assert (third.state, third.result) == ("done", {"said": {"a": [1]}})
        assert [job.id for job in made.list()] == [third.id, second.id, first.id]
        assert lines == ["fail: no sense", "crash: inside"]


def test_so_many_jobs_wait_and_the_same_waits_once(
    tmp_path: Path, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MOST_WAITING", 2)
    with started(tmp_path / "jobs.json", {"wait": waits(held)}) as (made, _):
        first = made.add("wait")
        wait_for(lambda: first.done == 2)
        assert made.add("wait") is first
        others = [made.add("wait", {"number": number}) for number in range(2)]
        assert made.add("wait", {"number": 1}) is others[1]
        with pytest.raises(StoreBusyError, match="jobs wait already"):
            made.add("wait", {"number": 2})
        held.set()
        until_ended(others[-1])
        assert made.add("wait") is not first


def test_a_cancelled_job_ends_at_its_next_step_and_one_that_waits_at_once(
    tmp_path: Path, held: threading.Event
) -> None:
    with started(tmp_path / "jobs.json", {"wait": waits(held)}) as (made, lines):
        running, waiting = made.add("wait"), made.add("wait", {"number": 1})
        wait_for(lambda: running.done == 2)
        assert made.cancel(waiting.id).state == "cancelled"
        assert made.cancel(running.id).state == "cancelling"
        held.set()
        until_ended(running)
        assert (running.state, running.result, running.error) == ("cancelled", None, None)
        # What has ended stays as it is; what is asked for again is another job.
        assert made.cancel(running.id).state == "cancelled"
        again = made.add("wait")
        until_ended(again)
        assert (again.state, made.cancel(again.id).state) == ("done", "done")
        assert lines == []


def test_what_had_not_ended_goes_on_with_the_next_server_and_what_had_is_remembered(
    tmp_path: Path, held: threading.Event
) -> None:
    path = tmp_path / "serve" / "jobs.json"
    quick: Work = lambda _, __: {"done": True}  # noqa: E731
    with started(path, {"wait": waits(held), "quick": quick}) as (made, _):
        assert not path.exists()
        ended = made.add("quick")
        until_ended(ended)
        running, waiting = made.add("wait"), made.add("quick", {"number": 1})
        wait_for(lambda: running.done == 2)
    held.set()
    with started(path, {"wait": waits(held), "quick": quick}) as (made, _):
        wait_for(lambda: all(job.ended for job in made.list()))
        found = {job.id: job for job in made.list()}
        assert list(found) == [waiting.id, running.id, ended.id]
        assert {job.state for job in found.values()} == {"done"}
        assert found[ended.id].document() == ended.document()


def test_a_job_that_ends_the_server_again_and_again_is_left(tmp_path: Path) -> None:
    path = tmp_path / "jobs.json"
    job = Job(id="1", kind="crash", state="running", begun=jobs.MOST_BEGUN)
    path.write_text(json.dumps({"jobs": [job.model_dump(mode="json")]}))
    with started(path, {}) as (made, _):
        (left,) = made.list()
        assert (left.state, left.error and "ended 3 times" in left.error["detail"]) == (
            "failed", True,
        )  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "[]", '{"jobs": [{"id": 1}]}', '{"jobs": 3}', "\0", "[" * 9000]
)
def test_a_file_of_jobs_that_is_none_is_begun_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "jobs.json").write_text(text)
    with started(tmp_path / "jobs.json", {"quick": lambda _, __: {}}) as (made, lines):
        assert made.list() == []
        assert "not a file of jobs; the server starts a new one" in lines[0]
        until_ended(made.add("quick"))


def test_a_second_server_of_a_store_has_jobs_of_its_own(tmp_path: Path) -> None:
    works: dict[str, Work] = {"quick": lambda _, __: {}}
    path = tmp_path / "jobs.json"
    with started(path, works) as (made, _):
        until_ended(made.add("quick"))
        with started(path, works) as (second, lines):
            assert second.list() == []
            until_ended(second.add("quick"))
            assert "forgotten when this server ends" in lines[0]
        assert len(json.loads(path.read_text())["jobs"]) == 1


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> HashModel:
    """A model that hashes in no time."""
    path = tmp_path_factory.mktemp("tiny") / "first.onnx"
    return HashModel.load(tiny_model(path, "first", 64, seed=1))


@pytest.fixture(scope="module")
def images(tiny: HashModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 24 images of twelve kinds in 384 tiles, without representations."""
    path = tmp_path_factory.mktemp("stores") / "s"
    paths = [path for kind in KINDS for path in archive_paths(kind)[:2]]
    options = IngestOptions(threads=1, tiling=Tiling(64), vectors=False)
    assert not ingest(paths, path, tiny, options).set_aside
    return path


@pytest.fixture
def archive(images: Path, tmp_path: Path) -> Path:
    """A copy of that store."""
    shutil.copytree(images, tmp_path / "s")
    return tmp_path / "s"


def ask(client: TestClient, path: str, **body: object) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/jobs/{answer.json()['id']}"
    return answer.json()


def at_a_step(
    monkeypatch: pytest.MonkeyPatch, name: str, held: threading.Event
) -> Callable[[], bool]:
    """Have work stop within its first step until it is let go; returns whether it is there."""
    real, there = getattr(work, name), threading.Event()

    class Slow:
        def __init__(self, progress: Any) -> None:
            self._progress = progress

        @contextmanager
        def task(self, title: str, total: int) -> Iterator["Slow"]:
            with self._progress.task(title, total) as task:
                yield Slow(task)

        def plan(self, more: int) -> None:
            self._progress.plan(more)

        def advance(self, steps: int) -> None:
            there.set()
            assert held.wait(20)
            self._progress.advance(steps)

        def message(self, text: str) -> None:
            self._progress.message(text)

    def slow(*given: Any, progress: Any, **named: Any) -> Any:
        return real(*given, progress=Slow(progress), **named)

    monkeypatch.setattr(work, name, slow)
    return there.is_set


@pytest.mark.slow
def test_codes_are_adapted_and_the_server_goes_on_with_them(archive: Path, tiny: HashModel) -> None:
    query = archive_paths("harbor")[0]
    with station_client(archive, tiny) as client:
        none = client.post("/api/rehash", json={"model": "adapted"})
        assert (none.status_code, "adapt first" in none.json()["detail"]) == (404, True)
        before = send(client, query)
        asked = {"queries": [{"upload": before["upload"], "tile": "64"}], "k": 1}
        assert client.post("/api/search", json=asked).json()["lineage"] == "first"

        job = finished(client, ask(client, "/api/adapt", anyway=True))
        assert (job["kind"], job["state"]) == ("adapt", "done"), job
        judged = job["result"]
        assert judged["agreement"].keys() == {"before", "after"}
        assert isinstance(judged["better"], bool)
        assert Path(judged["model"]).is_file()
        assert any("fitting on" in line for line in job["messages"])
        assert get(client, "/api/station")["model"]["lineage"] == "first"

        job = finished(client, ask(client, "/api/rehash", model="adapted", require_all=True))
        assert (job["state"], job["result"]["scenes_rehashed"]) == ("done", 24), job
        lineage = judged["card"]["lineage"]
        assert job["result"]["lineage"] == lineage
        assert (
            get(client, "/api/station")["model"] | {"fits": True, "lineage": lineage}
            == (get(client, "/api/station")["model"])
        )
        found = client.post("/api/search", json=asked).json()
        assert (found["lineage"], found["hits"][0]["distance"]) == (lineage, 0)
        # Of the adapted one another can be made.
        assert finished(client, ask(client, "/api/adapt", anyway=True))["state"] == "done"
        audited = (archive / "serve" / "audit.jsonl").read_text()
        assert [json.loads(line)["path"] for line in audited.splitlines()].count("/api/adapt") == 2
    with CodeStore.open(archive) as store:
        assert (store.lineage, store.verify()) == (lineage, [])
    # Whoever starts a server with the former model has the store's own.
    with station_client(archive, tiny) as client:
        assert get(client, "/api/station")["model"]["lineage"] == lineage
        assert get(client, "/api/jobs")["jobs"][0]["kind"] == "adapt"


def test_too_few_tiles_are_no_archive_to_adapt_to(own: Path, model: HashModel) -> None:
    with station_client(own, model) as client:
        job = finished(client, ask(client, "/api/adapt"))
        assert job["state"] == "failed"
        assert "the store has 8 usable tiles" in job["error"]["detail"]


def test_a_rehash_is_cancelled_and_the_store_is_as_it_was(
    archive: Path, tiny: HashModel, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    with station_client(archive, tiny) as client:
        assert finished(client, ask(client, "/api/adapt", anyway=True))["state"] == "done"
        there = at_a_step(monkeypatch, "rehash", held)
        job = ask(client, "/api/rehash", model="adapted")
        assert ask(client, "/api/rehash", model="adapted")["id"] == job["id"]
        wait_for(there)
        assert get(client, f"/api/jobs/{job['id']}")["state"] == "running"
        # Whoever searches meanwhile has the codes of before.
        assert get(client, "/api/search", q="row:3")["lineage"] == "first"
        asked = client.post(f"/api/jobs/{job['id']}/cancel")
        assert (asked.status_code, asked.json()["state"]) == (200, "cancelling")
        held.set()
        assert finished(client, job)["state"] == "cancelled"
        assert get(client, "/api/station")["model"]["lineage"] == "first"
        again = finished(client, ask(client, "/api/rehash", model="adapted"))
        assert (again["state"], again["result"]["scenes_unreachable"]) == ("done", 0)
        assert client.post("/api/jobs/none/cancel").status_code == 404


@pytest.mark.slow
def test_a_rehash_goes_on_with_the_next_server(
    archive: Path, tiny: HashModel, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(threading.enumerate())
    with station_client(archive, tiny) as client:
        assert finished(client, ask(client, "/api/adapt", anyway=True))["state"] == "done"
        there = at_a_step(monkeypatch, "rehash", held)
        job = ask(client, "/api/rehash", model="adapted")
        wait_for(there)
    held.set()
    wait_for(lambda: all(one.name != "jobs" for one in {*threading.enumerate()} - before))
    with station_client(archive, tiny) as client:
        after = finished(client, job)
        assert (after["id"], after["state"]) == (job["id"], "done"), after
        assert after["result"]["lineage"] == get(client, "/api/station")["model"]["lineage"]
        assert get(client, "/api/search", q="row:3")["lineage"] == after["result"]["lineage"]


def test_a_scene_that_was_accepted_before_a_restart_is_not_taken_where_none_are(
    archive: Path, tiny: HashModel
) -> None:
    (archive / "serve").mkdir()
    job = Job(id="1", kind="ingest", arguments={"name": "../x.png", "labels": []})
    content = json.dumps({"jobs": [job.model_dump(mode="json")]})
    (archive / "serve" / "jobs.json").write_text(content)
    with station_client(archive, tiny) as client:
        detail = finished(client, {"id": "1"})["error"]["detail"]
        assert "this server accepts no scenes" in detail
    (archive / "serve" / "jobs.json").write_text(content)
    (archive.parent / "in").mkdir()
    with station_client(archive, tiny, ServeOptions(accept=archive.parent / "in")) as client:
        assert "without a folder" in finished(client, {"id": "1"})["error"]["detail"]

"""scenehash serve on the address of an engine: the documents of scenehash search, and no more."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from scenehash import HashModel, push
from scenehash.cli.main import build_app
from scenehash.demo.tiles import query_path
from scenehash.errors import ConfigurationError, EngineError, EngineUnreachableError
from scenehash.serve.app import make_app
from scenehash.serve.collection import Collection
from scenehash.serve.options import ServeOptions
from scenehash.store import CodeStore, Filter

from ..serve.stations import from_loopback
from .conftest import ENGINES, address_of
from .corpus import BITS, STATIONS, Corpus, make_scenes

CODE = "0f" * 8
OPTIONS = ServeOptions(threads=2)


@pytest.fixture(scope="module")
def model() -> HashModel:
    return HashModel.load()


@contextlib.contextmanager
def serving(address: str, model: HashModel) -> Iterator[TestClient]:
    with contextlib.closing(Collection(address, model, OPTIONS, lambda _: None)) as collection:
        app = make_app(collection)
        with TestClient(from_loopback(app), base_url="http://127.0.0.1") as client:
            yield client


@pytest.fixture(scope="module", params=ENGINES)
def served(request, corpus: Corpus, model: HashModel) -> Iterator[tuple[TestClient, str]]:
    address = f"{address_of(request, request.param)}/served"
    for folder in corpus.stores.values():
        push(folder, address)
    with serving(address, model) as client:
        yield client, address


def told(address: str, *words: str) -> dict[str, Any]:
    """The document of scenehash search on an address."""
    result = CliRunner().invoke(build_app(), ["search", *words, "--store", address, "--json"])
    assert result.exit_code == 0, result.output
    return timeless(json.loads(result.stdout))


def timeless(document: dict[str, Any]) -> dict[str, Any]:
    document.pop("milliseconds")
    document.pop("stages")
    return document


@pytest.mark.parametrize(
    ("words", "parameters"),
    [
        ([f"code:{CODE}"], f"q=code:{CODE}"),
        (["row:north/3", "-k", "7"], "q=row:north/3&k=7"),
        (["row:north/3", "row:west/0", "--not", "row:east-2/1"],
         "q=row:north/3&q=row:west/0&not=row:east-2/1"),
        ([f"code:{CODE}", "--label", "harbor", "--station", "Süd"],
         f"q=code:{CODE}&label=harbor&station=Süd"),
        ([f"code:{CODE}", "--bbox", "170,-60,-170,60", "--group"],
         f"q=code:{CODE}&bbox=170,-60,-170,60&group=true"),
        ([f"code:{CODE}", "--since", "2026-03-10", "--radius", "30"],
         f"q=code:{CODE}&since=2026-03-10&radius=30"),
    ],
)  # fmt: skip
def test_a_search_is_the_document_of_the_command(served, words, parameters) -> None:
    client, address = served
    answer = client.get(f"/api/search?{parameters}")
    assert answer.status_code == 200, answer.text
    assert timeless(answer.json()) == told(address, *words)
    assert answer.json()["hits"]


def test_what_an_engine_has_is_served(served, corpus: Corpus) -> None:
    client, address = served
    about = client.get("/api/station").json()
    assert [own["name"] for own in about["engine"]["stations"]] == sorted(STATIONS)
    assert about["engine"]["tiles"] == len(corpus.tiles())
    assert not about["model"]["fits"]
    assert client.get("/api/session").json()["engine"] == address
    with CodeStore.open(corpus.stores["north"]) as store:
        labels = {label for label, _ in store.label_counts()}
    assert labels <= {own["label"] for own in client.get("/api/labels").json()["labels"]}
    times = client.get("/api/times").json()
    assert times["since"] < times["until"]
    assert times["bins"] == []
    station, row, code, tile = corpus.tiles("west")[5]
    found = client.get(f"/api/tiles/{station}/{row}").json()
    assert (found["code"], found["scene"], found["station"]) == (code.hex(), tile.scene, station)
    assert client.get("/api/tiles/west/99999").status_code == 404
    assert client.get("/api/tiles/3").status_code == 409
    footprints = [tile.footprint for *_, tile in corpus.tiles() if tile.footprint is not None]
    longitude, latitude = footprints[0][0]
    answer = client.get(f"/api/search?q=at:{latitude},{longitude}&k=1")
    assert answer.json()["queries"][0]["text"].startswith("row:"), answer.text
    places = client.get(f"/api/search.geojson?q=code:{CODE}").json()["features"]
    assert any(place["geometry"] for place in places)
    assert client.get("/healthz").json() == {"status": "ok"}
    assert f"scenehash_tiles {len(corpus.tiles())}" in client.get("/metrics").text


def test_the_health_is_that_of_the_engine_at_this_moment(
    served, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = served
    assert client.get("/healthz").status_code == 200

    def dead(*_: object) -> None:
        raise EngineUnreachableError("it is gone")

    for backend in ("milvus.Milvus", "postgres.Postgres"):
        monkeypatch.setattr(f"scenehash.engines.{backend}.documents", dead)
        monkeypatch.setattr(f"scenehash.engines.{backend}.read", dead)
    assert client.get("/healthz").status_code == 503


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/scenes"), ("GET", f"/api/scenes/{'0' * 32}"), ("GET", "/api/tiles/1/image"),
        ("GET", "/api/tiles/1/thumbnail"), ("GET", "/api/alerts"), ("POST", "/api/alerts"),
        ("POST", "/api/alerts/quay/confirm"), ("GET", "/api/events"), ("GET", "/api/events/live"),
        ("GET", "/api/quarantine"), ("POST", "/api/scenes"), ("POST", "/api/adapt"),
        ("GET", "/api/jobs"), ("GET", "/api/store"),
    ],
)  # fmt: skip
def test_what_an_engine_has_not_is_said(served, method: str, path: str) -> None:
    client, address = served
    answer = client.request(method, path)
    assert answer.status_code == 501, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert address in answer.json()["detail"]
    assert "ask the server of the station" in answer.json()["detail"]


def test_queries_that_need_a_store_or_the_codes_model_are_refused(served) -> None:
    client, _ = served
    refused = {
        "q=at:89.9,20": 404,
        f"q=scene:{'0' * 32}": 422,
        "q=row:3": 409,
        "q=row:nowhere/3": 404,
        "q=code:0f": 422,
        f"q=code:{CODE}&station=nowhere": 404,
    }
    for parameters, status in refused.items():
        answer = client.get(f"/api/search?{parameters}")
        assert answer.status_code == status, answer.text
    # The corpus is of another model than this one.
    image = query_path("harbor").read_bytes()
    answer = client.post("/api/uploads", content=image, headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 409
    assert "lineage" in answer.json()["detail"]


HOSTILE = (
    "' OR '1'='1",
    '"; DROP TABLE tiles; --',
    '" or number >= 0 or "',
    "%",
    "\\",
    "\ud7ff\x00",
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["label", "station", "scene"])
def test_what_engines_would_read_as_conditions_is_a_word_that_no_scene_has(
    served, name: str, text: str
) -> None:
    client, _ = served
    before = client.get("/api/station").json()["engine"]["tiles"]
    answer = client.get("/api/search", params={"q": f"code:{CODE}", name: text})
    assert answer.status_code in (404, 409, 422), answer.text
    answer = client.get("/api/search", params={"q": f"row:{text}/1"})
    assert answer.status_code in (404, 409, 422), answer.text
    assert client.get("/api/station").json()["engine"]["tiles"] == before


def test_a_server_follows_what_is_pushed(
    lite: str, tmp_path: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenehash.serve.readers.ENGINE_AGE", 0.0)
    address = f"{lite}/followed"
    with pytest.raises(EngineError, match="nothing was pushed there"):
        Collection(address, model, OPTIONS, lambda _: None)
    with CodeStore.create(tmp_path / "s", model.lineage, BITS, "test") as store:
        store.name_station("one")
        store.add(make_scenes(1, 3))
    push(tmp_path / "s", address)
    with serving(address, model) as client:
        before = client.get("/api/station").json()["engine"]
        with CodeStore.open(tmp_path / "s", writable=True) as store:
            store.add(make_scenes(2, 3))
            store.delete(Filter(scene="/data/1/scene0.tif"))
            tiles = len(store)
        push(tmp_path / "s", address)
        after = client.get("/api/station").json()["engine"]
        assert (after["tiles"], after["stations"][0]["tiles"]) == (tiles, tiles)
        assert after["tiles"] != before["tiles"]
        # These codes are this model's: an image is a query.
        image = query_path("harbor").read_bytes()
        sent = client.post("/api/uploads", content=image, headers={"Content-Type": "image/jpeg"})
        asked = {"queries": [{"upload": sent.json()["upload"]}], "k": 3}
        found = client.post("/api/search", json=asked)
        assert len(found.json()["hits"]) == 3


def test_an_engine_is_served_to_others_only_with_a_file_of_tokens(
    lite: str, corpus: Corpus, model: HashModel, tmp_path: Path
) -> None:
    address = f"{lite}/guarded"
    push(corpus.stores["north"], address)
    with pytest.raises(ConfigurationError, match="--tokens"):
        Collection(address, model, ServeOptions(host="0.0.0.0"), lambda _: None)
    with pytest.raises(ConfigurationError, match="--accept"):
        Collection(address, model, ServeOptions(accept=tmp_path), lambda _: None)
    options = ServeOptions(names=("station.example",), tokens=tmp_path / "tokens.json")
    with contextlib.closing(Collection(address, model, options, lambda _: None)) as collection:
        token = collection.tokens.add("anna", "read")
        with TestClient(make_app(collection), base_url="http://station.example") as client:
            assert client.get("/api/station").status_code == 401
            bearer = {"Authorization": f"Bearer {token}"}
            assert client.get("/api/station", headers=bearer).status_code == 200
    assert (tmp_path / "audit.jsonl").is_file()

"""The page's files: each at its address, compressed for who takes it, kept as long as it may be."""

import gzip
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from scenehash import HashModel

from .stations import station_client


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """What a build leaves."""
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>page</title>")
    (folder / "assets" / "app-1a2b3c.js").write_text("export const a = 1;")
    packed = gzip.compress(b"export const a = 1;")
    (folder / "assets" / "app-1a2b3c.js.gz").write_bytes(packed)
    (folder / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "world.json").write_text("{}")
    return folder


@pytest.fixture
def client(stored: Path, model: HashModel, built: Path) -> TestClient:
    with station_client(stored, model, page=built) as client:
        return client


def test_each_state_has_an_address_that_is_the_page(client: TestClient) -> None:
    for path in ("/", "/index.html", "/search?row=3", "/scene/abc/1/2", "/alerts/qu%2Fay", "/a.b"):
        answer = client.get(path)
        assert "<title>page</title>" in answer.text
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.headers["cache-control"] == "no-cache"
    tag = client.get("/").headers["etag"]
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 304
    assert client.head("/").status_code == 200
    assert client.post("/").status_code == 405


def test_files_have_their_types_and_assets_are_kept(client: TestClient) -> None:
    script = client.get("/assets/app-1a2b3c.js", headers={"Accept-Encoding": "identity"})
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    assert "content-encoding" not in script.headers
    packed = client.get("/assets/app-1a2b3c.js", headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == script.text == "export const a = 1;"
    assert client.get("/icon.svg").headers["content-type"] == "image/svg+xml"
    assert client.get("/world.json").headers["content-type"] == "application/json"


def test_what_is_not_there_is_not_the_page(client: TestClient) -> None:
    for path in ("/assets/gone-123.js", "/api", "/api/none", "/assets/app-1a2b3c.js.gz"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (
            404, "application/problem+json",
        )  # fmt: skip


def test_without_a_page_there_is_a_word_and_the_api(stored: Path, model: HashModel,
                                                    tmp_path: Path) -> None:  # fmt: skip
    with station_client(stored, model, page=tmp_path / "none") as client:
        assert "/api/docs" in client.get("/").text

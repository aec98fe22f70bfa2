"""The page's files: one answer for all addresses, compressed and kept where that helps."""

import gzip
import re
from importlib import resources
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="extra serve is not installed")

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from scenehash.serve.text_response import TextResponse
from scenehash.serve.web_page import WebPage

SCRIPT = "console.log('page');\n" * 200
GZIP = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>scenehash</title>")
    (tmp_path / "assets" / "index-1a2b.js").write_text(SCRIPT)
    (tmp_path / "assets" / "plex-3c4d.woff2").write_bytes(b"wOF2" + bytes(400))
    web_page = WebPage(tmp_path)

    async def any_page(request: Request) -> Response:
        return web_page.answer(request)

    return TestClient(Starlette(routes=[Route("/{path:path}", any_page)]))


def test_every_address_of_the_page_is_answered_with_it(client: TestClient) -> None:
    for address in ("/", "/search?q=row:1", "/alerts/a%2Fb", "/../../etc/passwd"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "<title>scenehash</title>" in answer.text
        assert answer.headers["cache-control"] == "no-cache"


def test_what_is_no_address_of_the_page_is_not_found(client: TestClient) -> None:
    for address in ("/api/nothing", "/assets/gone.js"):
        assert client.get(address).status_code == 404


def test_text_is_compressed_for_those_who_take_it_and_fonts_are_not(client: TestClient) -> None:
    for _ in range(2):
        answer = client.get("/assets/index-1a2b.js", headers=GZIP)
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) == len(gzip.compress(SCRIPT.encode(), mtime=0))
        assert answer.text == SCRIPT
    plain = client.get("/assets/index-1a2b.js", headers=PLAIN)
    assert "content-encoding" not in plain.headers
    assert plain.text == SCRIPT
    assert "content-encoding" not in client.get("/assets/plex-3c4d.woff2", headers=GZIP).headers


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True), ("br, gzip;q=0.5", True), ("GZIP", True), ("gzip; q=1.0", True),
        ("gzip;q=0", False), ("gzip; q=0.000, identity", False), ("x-gzip2", False),
        ("*;q=0", False),
    ],
)  # fmt: skip
def test_text_is_compressed_as_the_client_weights_it(
    client: TestClient, accepted: str, compressed: bool
) -> None:
    answer = client.get("/assets/index-1a2b.js", headers={"Accept-Encoding": accepted})
    assert ("content-encoding" in answer.headers) == compressed
    assert answer.text == SCRIPT


def test_files_with_a_hash_in_their_name_are_kept_and_others_asked_for_again(
    client: TestClient,
) -> None:
    kept = client.get("/assets/index-1a2b.js")
    assert "immutable" in kept.headers["cache-control"]
    page = client.get("/")
    again = client.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', 'W/"other" , W/{}', "*"])
def test_what_a_client_has_is_not_sent_again(client: TestClient, form: str) -> None:
    tag = client.get("/").headers["etag"]
    known = {"If-None-Match": form.format(tag)}
    assert client.get("/", headers=known).status_code == 304
    other = {"If-None-Match": '"other", W/"another"'}
    assert client.get("/", headers=other).status_code == 200


def test_the_built_page_has_all_that_it_names_and_nothing_of_an_earlier_build() -> None:
    folder = Path(str(resources.files("scenehash.serve") / "page"))
    index = (folder / "index.html").read_text()
    named = re.findall(r'(?:src|href)="/([^"]+)"', index)
    assert named
    assert [name for name in named if not (folder / name).is_file()] == []
    assets = {path.name: path for path in (folder / "assets").iterdir()}
    for ending in ("js", "css"):
        (own,) = (name for name in assets if re.fullmatch(rf"index-[\w-]+\.{ending}", name))
        assert f"assets/{own}" in named
        index += assets[own].read_text()
    # Whatever else is there is loaded by one of the three.
    assert [name for name in assets if name not in index] == []


@pytest.mark.parametrize("length", [100, 10_000, 100_000])
def test_long_documents_are_compressed_for_those_who_take_it(length: int) -> None:
    text = "scene " * (length // 6)

    async def document(request: Request) -> Response:
        del request
        return TextResponse(text, media_type="application/json")

    client = TestClient(Starlette(routes=[Route("/", document)]))
    packed, plain = client.get("/", headers=GZIP), client.get("/", headers=PLAIN)
    assert packed.text == plain.text == text
    assert "content-encoding" not in plain.headers
    is_long = length > 1400
    assert (packed.headers.get("content-encoding") == "gzip") is is_long
    assert (plain.headers.get("vary") == "Accept-Encoding") is is_long
    assert (int(packed.headers["content-length"]) < length / 10) is is_long

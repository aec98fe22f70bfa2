"""What an attacker sends, and what comes back: no file of this machine, no script, no 500."""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
from starlette.testclient import TestClient

from scenehash import HashModel, ingest
from scenehash.report.contact_sheet import write_picture
from scenehash.serve.options import ServeOptions
from scenehash.store import CodeStore

from ...scenes import draw
from ..cli.test_commands import run
from .stations import station_client

BINARY = {"Content-Type": "application/octet-stream"}
SCRIPT = "<img src=x onerror=alert(1)>\"'\x1b[31m"


def png_bomb(side: int) -> bytes:
    """A PNG of few bytes that says, and holds, side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    lines = zlib.compressobj(9)
    row = b"\0" * (side // 8 + 2)
    data = b"".join(lines.compress(row) for _ in range(side)) + lines.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def tiff_bomb(side: int) -> bytes:
    """A TIFF of few bytes that holds side x side pixels, none of them written."""
    with rasterio.MemoryFile() as memory:
        with memory.open(driver="GTiff", width=side, height=side, count=3, dtype="uint8",
                         sparse_ok=True, tiled=True, bigtiff="YES"):  # fmt: skip
            pass
        return bytes(memory.read())


def upload(client: TestClient, data: bytes, **headers: str) -> Any:
    return client.post("/api/uploads", content=data, headers=BINARY | headers)


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd",
        "/....//....//etc/passwd", "/%252e%252e/etc/passwd", "//etc/passwd",
        "/assets/../../tokens.py", "/\\..\\..\\etc\\passwd", "/etc/passwd%00.html",
        "/api/../../../etc/passwd",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_page(reader: TestClient, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code in (200, 400, 404)
    assert "root:" not in answer.text
    if answer.status_code == 200:
        assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "path",
    [
        "/api/scenes/..%2f..%2fetc%2fpasswd", "/api/scenes/%2Fetc%2Fpasswd/window.png",
        "/api/scenes/../../etc/passwd/window.png", "/api/uploads/..%2f..%2fetc%2fpasswd/image",
        "/api/tiles/..%2f1/image", "/api/jobs/..%2f..", "/api/scenes/" + "z" * 32,
        "/api/scenes/" + "A" * 32 + "/window.png", "/api/scenes/" + "0" * 32 + "/map/1/0/0.png",
    ],
)  # fmt: skip
def test_no_id_is_a_path(reader: TestClient, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code in (200, 404, 422)
    assert "root:" not in answer.text


def test_only_stored_scenes_are_opened(reader: TestClient, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    write_picture(secret, draw("harbor", 1))
    for query in ({"scene": str(secret)}, {"path": str(secret)}, {"file": "/etc/passwd"},
                  {"upload": f"../../{secret}"}, str(secret), {"row": str(secret)}):  # fmt: skip
        answer = reader.post("/api/search", json={"queries": [query]})
        assert answer.status_code == 422, query
    for text in (
        str(secret),
        f"scene:{secret}",
        f"file:{secret}",
        "upload:../x",
        "row:/etc/passwd",
    ):
        answer = reader.get("/api/search", params={"q": text})
        assert answer.status_code == 422, text


def test_a_scene_that_became_a_link_to_another_file_shows_nothing_of_it(
    tmp_path: Path, model: HashModel
) -> None:
    (tmp_path / "in").mkdir()
    write_picture(tmp_path / "in" / "a.png", draw("harbor", 1))
    write_picture(tmp_path / "private.png", draw("forest", 1))
    ingest(tmp_path / "in", tmp_path / "s", model)
    (tmp_path / "in" / "a.png").unlink()
    (tmp_path / "in" / "a.png").symlink_to(tmp_path / "private.png")
    with station_client(tmp_path / "s", model) as client:
        answer = client.get("/api/tiles/0/image")
        assert (answer.status_code, "differs from the stored scene" in answer.text) == (422, True)


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(own: Path, model: HashModel) -> None:
    options = ServeOptions(threads=2, most_upload=100_000)
    with station_client(own, model, options) as client:
        said = {"Content-Length": str(2 << 30)}
        answer = client.post("/api/uploads", content=b"x", headers=BINARY | said)
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        assert "100,000 bytes" in answer.json()["detail"]

        sent = []

        def chunks() -> Any:
            for _ in range(2_000):
                sent.append(1)
                yield b"\x89PNG" * 1000

        answer = client.post("/api/uploads", content=chunks(), headers=BINARY)
        assert answer.status_code == 413
        answer = client.post("/api/search", content=b"[" * 1_000_001)
        assert answer.status_code == 413
        assert client.station.uploads.total() == 0


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (png_bomb(12_000), "too many"),
        (tiff_bomb(60_000), "too many to be searched with"),
        (b"", "empty"),
        (b"GIF89a", "GIF"),
        (b"%PDF-1.7", "PDF"),
        (b"<VRTDataset/>", "may name other files"),
        (b"  <VRTDataset rasterXSize='1' rasterYSize='1'/>", "may name other files"),
        (b"<?xml version='1.0'?><GDAL_WMS/>", "XML"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, "damaged"),
        (b"II*\0", "GDAL"),
        (b"II*\0" + b"\xff" * 100, "GDAL"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "damaged"),
        (b"#!/bin/sh\nid", "not an image"),
    ],
)
def test_what_is_no_image_or_a_bomb_is_refused(reader: TestClient, data: bytes, said: str) -> None:
    answer = upload(reader, data)
    assert (answer.status_code, said in answer.json()["detail"]) == (422, True), answer.text
    assert "/tmp" not in answer.text


@pytest.mark.slow
def test_a_bomb_takes_no_memory(own: Path) -> None:
    """A server whose memory is bounded outlives it: measured in a process of its own."""
    script = f"""
import resource, sys
from pathlib import Path
from scenehash import HashModel
from tests.scenehash.serve.stations import station_client
from tests.scenehash.serve.test_attacks import png_bomb, tiff_bomb, upload
bombs = [png_bomb(12_000), tiff_bomb(60_000)]
with station_client(Path({str(own)!r}), HashModel.load()) as client:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for bomb in bombs:
        assert upload(client, bomb).status_code == 422
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 60_000  # kB


def test_an_upload_without_a_type_or_of_a_form_is_refused(reader: TestClient) -> None:
    for headers in ({"Content-Type": "text/html"}, {"Content-Type": "multipart/form-data"},
                    {"Content-Type": "application/x-www-form-urlencoded"}):  # fmt: skip
        answer = reader.post("/api/uploads", content=b"x", headers=headers)
        assert answer.status_code == 415


def test_uploads_are_forgotten_when_newer_ones_need_their_room(own: Path, model: HashModel) -> None:
    with station_client(own, model, ServeOptions(threads=2, most_upload=200_000)) as client:
        sent = []
        for number in range(12):
            data = cv2.imencode(".png", draw("harbor", number))[1].tobytes()
            sent.append(upload(client, data).json()["upload"])
        kept = [client.get(f"/api/uploads/{number}/image").status_code for number in sent]
        assert kept == sorted(kept, reverse=True)
        assert kept[0] == 404
        assert kept[-1] == 200
        assert client.station.uploads.total() <= 800_000
        gone = client.post("/api/search", json={"queries": [{"upload": sent[0]}]})
        assert (gone.status_code, "send the image again" in gone.text) == (404, True)


def test_names_of_files_labels_and_alerts_come_back_as_data(
    tmp_path: Path, model: HashModel
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_picture(folder / "a.png", draw("harbor", 1))
    (folder / "a.png").rename(folder / f"{SCRIPT}.png".replace("/", ""))
    assert run("ingest", folder, "--store", tmp_path / "s", "--label", SCRIPT).exit_code == 0
    with station_client(tmp_path / "s", model) as client:
        for path in ("/api/scenes", "/api/labels", "/api/tiles/0", "/api/search?q=row:0"):
            answer = client.get(path)
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert SCRIPT.split('"')[0] in json.dumps(answer.json(), ensure_ascii=False)
        refused = client.post("/api/alerts", json={"name": SCRIPT, "examples": [{"row": 0}]})
        assert refused.status_code == 422  # a name of one line, without what a terminal acts on
        name = "<script>alert(1)</script>"
        assert (
            client.post("/api/alerts", json={"name": name, "examples": [{"row": 0}]}).status_code
            == 201
        )
        assert client.get("/api/alerts").json()["alerts"][0]["name"] == name
        wrong = client.get("/api/search", params={"q": SCRIPT})
        assert wrong.headers["content-type"] == "application/problem+json"
        assert "\x1b" not in wrong.text
        page = client.get("/<script>alert(1)</script>")
        assert "alert(1)" not in page.text
        assert "alert(1)" not in client.get("/api/docs").text


@pytest.mark.parametrize(
    "parameters",
    [
        {"label": "' OR 1=1 --"}, {"label": "x'; DROP TABLE scene; --"}, {"scene": "%' OR '1'='1"},
        {"scene": "\x00"}, {"label": "\ud800".encode("utf-8", "surrogatepass").decode("latin1")},
    ],
)  # fmt: skip
def test_sql_in_a_parameter_is_a_word(reader: TestClient, parameters: dict[str, str]) -> None:
    for path in ("/api/scenes", "/api/times", "/api/search?q=row:0"):
        answer = reader.get(path, params={**parameters, "q": "row:0"})
        assert answer.status_code in (404, 422), answer.text
    assert len(reader.get("/api/scenes").json()["scenes"]) == 10


QUERIES = ["3", "[]", "[null]", "[{}]", '[{"row": -1}]', '[{"row": 1e400}]', '[{"row": NaN}]',
           '[{"row": 9223372036854775808}]', '[{"row": 0, "code": "00"}]', '[{"code": "zz"}]',
           '[{"code": "00"}]', '[{"code": ""}]', '[{"at": [NaN, 0]}]', '[{"at": [1e300, 0]}]',
           '[{"row": []}]', '[{"row": {}}]', '[{"row": "\ud800"}]',
           '[{"scene": "%s", "tile": "nanm"}]' % ("0" * 32),
           '[{"scene": "%s", "tile": "infm"}]' % ("0" * 32)]  # fmt: skip
OTHERS = ['"k": 0', '"k": 1e9', '"radius": -1', '"nonsense": 1', '"rerank": true', '"filter": 3',
          '"filter": {"bbox": [1, 2, 3]}', '"filter": {"bbox": [0, 9, 0, -9]}',
          '"filter": {"near": [0, 0, Infinity]}', '"filter": {"near": [0, 0, -1]}',
          '"filter": {"since": "yesterday"}', '"filter": {"until": "\\ud800"}',
          '"not": [{"row": 99999}]']  # fmt: skip
BODIES = [
    "", "{", "null", "[]", "3", '"x"', "[" * 100_000, '{"a":' * 100_000, "\udcff\udcfe",
    *(f'{{"queries": {queries}}}' for queries in QUERIES),
    *(f'{{"queries": [{{"row": 0}}], {other}}}' for other in OTHERS),
]  # fmt: skip


@pytest.mark.parametrize("text", BODIES)
def test_json_of_the_wrong_shape_is_named(reader: TestClient, text: str) -> None:
    body = text.encode(errors="surrogatepass")
    answer = reader.post("/api/search", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 404, 422), answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert len(problem["detail"]) < 1000


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"row": ' + b"9" * 5000 + b"}"]
)
def test_a_body_that_is_not_json_is_named(reader: TestClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = reader.post("/api/search", content=body, headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (400, "the body is not a JSON document")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"queries": [{"row": 0}]}', "application/x-www-form-urlencoded"),
        (b'{"queries": [{"row": 0}]}', "text/plain"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b"", "application/json"),
    ],
)
def test_a_body_that_is_not_an_object_is_named_with_the_remedy(
    reader: TestClient, body: bytes, kind: str
) -> None:
    """As curl -d sends it without another Content-Type."""
    answer = reader.post("/api/search", content=body, headers={"Content-Type": kind})
    said = "the body: send a JSON object, with Content-Type: application/json"
    assert (answer.status_code, answer.json()["detail"]) == (422, said)


def test_a_time_of_no_sense_is_named_in_the_words_of_the_command(reader: TestClient) -> None:
    said = "yesterday: not a time such as 2026-11-24 or 2026-11-24T08:30:00Z"
    answer = reader.get("/api/scenes", params={"since": "yesterday"})
    assert answer.json()["detail"] == f"since: {said}"
    document = {"queries": [{"row": 0}], "filter": {"since": "yesterday"}}
    answer = reader.post("/api/search", json=document)
    assert answer.json()["detail"] == f"filter.since: {said}"


def test_a_parameter_that_a_route_does_not_have_is_refused(reader: TestClient) -> None:
    for path, name, said in (
        ("/api/scenes", "lable", "there is no such parameter; did you mean label?"),
        ("/api/search", "lable", "there is no such parameter; did you mean label?"),
        ("/api/station", "x", "there are no parameters here"),
    ):
        for ask in (reader.get, reader.head):
            answer = ask(path, params={name: "harbor"})
            assert answer.status_code == 422, path
        assert reader.get(path, params={name: "a"}).json()["detail"] == f"{name}: {said}"
    refused = reader.get("/api/scenes", params={"x\x1b\n" * 999: ""})
    assert (refused.status_code, len(refused.json()["detail"]) < 999) == (422, True)
    # Addresses of the page have parameters of their own.
    assert reader.get("/search", params={"of": "row:0"}).status_code == 200
    # Monitors add some.
    assert reader.get("/healthz", params={"at": "1"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/api/tiles/0/image", "/api/station", "/api/search?q=row:0", "/api/docs", "/api/tiles/999",
     "/api/nothing", "/search", "/healthz"],
)  # fmt: skip
def test_head_answers_as_get_without_a_body(reader: TestClient, path: str) -> None:
    got, head = reader.get(path), reader.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    for name in ("content-type", "content-security-policy", "etag"):
        assert head.headers.get(name) == got.headers.get(name)


def test_damage_in_the_store_is_named_and_not_shown(own: Path, model: HashModel) -> None:
    codes = bytearray((own / "codes.bin").read_bytes())
    codes[-1] ^= 1
    (own / "codes.bin").write_bytes(codes)
    with station_client(own, model) as client:
        answer = client.get("/api/search", params={"q": "row:7"})
        assert (answer.status_code, answer.json()["type"]) == (
            500,
            "urn:scenehash:StoreDamagedError",
        )
        assert "ingest that scene again" in answer.json()["detail"]
        assert client.get("/api/search", params={"q": "row:0", "k": 1}).status_code == 200


def test_an_error_that_nobody_foresaw_says_nothing_of_the_inside(
    own: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with station_client(own, model, raise_server_exceptions=False) as client:
        monkeypatch.setattr(CodeStore, "label_counts", lambda _: 1 / 0)
        answer = client.get("/api/labels")
        assert (answer.status_code, "division" in answer.text) == (500, False)
        assert "ZeroDivisionError" in answer.json()["detail"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        monkeypatch.undo()
        assert client.get("/api/labels").status_code == 200


def test_nothing_is_reported_to_anybody(
    own: Path, model: HashModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastAPI can send telemetry where the environment says so; this application never does."""
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with station_client(own, model) as client:
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "parameters",
    [
        {"area": "false"}, {"area": "[]"}, {"area": "{"}, {"area": "[" * 9000},
        {"area": '{"type": 1}'},
        {"area": '{"type": "Polygon", "coordinates": [[[0, 1e999], [1, 1], [2, 2]]]}'},
        {"area": '{"type": "Polygon", "coordinates": {}}'}, {"area": '{"type": "Polygon"}'},
        {"bbox": "1e999,0,1,1"}, {"bbox": "e,e,e,e"}, {"bbox": "1,2,3"}, {"near": "0,0,1e999"},
        {"near": "1"}, {"since": "x"}, {"until": "99999-01-01"}, {"newer_than": "-1"},
        {"since": "2020"}, {"until": "1.5e9"},
        {"limit": "0"}, {"after": "1e3"}, {"order": "x"}, {"area": "null"},
    ],
)  # fmt: skip
def test_a_filter_of_no_sense_in_an_address_is_named(
    reader: TestClient, parameters: dict[str, str]
) -> None:
    answer = reader.get("/api/scenes", params=parameters)
    assert (answer.status_code == 422) == (parameters != {"area": "null"}), answer.text


def test_rows_are_numbers_within_bounds(reader: TestClient) -> None:
    for row in ("-1", "9" * 30, "1.5", "0x1", "%00", "१"):
        assert reader.get(f"/api/tiles/{row}").status_code in (200, 404, 422)
    assert np.isclose(reader.get("/api/tiles/999").status_code, 404)

"""What the API answers: the documents of the commands, and pictures."""

import json
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from starlette.testclient import TestClient

from scenehash import CodeStore, HashModel, IngestOptions, ingest, rehash
from scenehash.report.contact_sheet import write_picture
from scenehash.scenes import open_scene
from scenehash.serve.options import ServeOptions
from scenehash.tiles import Image

from ...scenes import draw
from ..cli.test_commands import run
from ..ingestion.archives import make_store, models, write_scenes
from .stations import station_client


def by_command(*words: object) -> Any:
    """The document that a command prints."""
    done = run(*words, "--json")
    assert done.exit_code in (0, 3), done.stderr
    return json.loads(done.stdout)


def get(client: TestClient, address: str, **parameters: Any) -> Any:
    """The document at an address."""
    answer = client.get(address, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def pixels(client: TestClient, address: str, **parameters: Any) -> Image:
    """The picture at an address, as it was sent: [H, W, 3 or 4]."""
    answer = client.get(address, params=parameters)
    assert answer.status_code == 200, answer.text
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    order = cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(image, order), np.uint8)


def send(client: TestClient, path: Path, name: str = "") -> Any:
    """Upload an image."""
    answer = client.post(
        "/api/uploads", params={"name": name or path.name}, content=path.read_bytes(),
        headers={"Content-Type": "application/octet-stream"},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    return answer.json()


def finished(client: TestClient, job: Any) -> Any:
    """A job when it has ended."""
    for _ in range(600):
        now = get(client, f"/api/jobs/{job['id']}")
        if now["ended"] is not None:
            return now
        time.sleep(0.05)
    raise AssertionError(now)


def test_a_store_its_quarantine_and_its_alerts_are_as_the_commands_have_them(
    own: Path, model: HashModel
) -> None:
    with CodeStore.open(own, writable=True) as store:
        store.quarantine.add({"/in/bad.tif": "the file is empty (0 bytes)"})
    with station_client(own, model) as client:
        assert get(client, "/api/store") == by_command("store", "info", own)
        listed = get(client, "/api/quarantine")
        assert listed == by_command("quarantine", "list", "--store", own)
        assert listed["quarantine"][0]["path"] == "/in/bad.tif"
        released = client.post("/api/quarantine/release", json={"paths": ["/in/bad.tif", "/x"]})
        assert released.json() == {"store": str(own), "released": 1}
        assert get(client, "/api/quarantine")["quarantine"] == []


def test_scenes_are_listed_by_pages_and_filters(reader: TestClient, stored: Path) -> None:
    whole = get(reader, "/api/scenes")
    assert (len(whole["scenes"]), whole["next"], whole["store"]) == (10, None, str(stored))
    first = get(reader, "/api/scenes", limit=4)
    rest = get(reader, "/api/scenes", limit=100, after=first["next"])
    assert first["scenes"] + rest["scenes"] == whole["scenes"]
    oldest = get(reader, "/api/scenes", order="oldest")["scenes"]
    assert oldest == whole["scenes"][::-1]
    harbors = get(reader, "/api/scenes", label="harbor")["scenes"]
    assert {Path(scene["path"]).parent.name for scene in harbors} == {"harbor"}
    march = get(reader, "/api/scenes", since="2026-03-01", until="2026-03-02T00:00:00Z")["scenes"]
    assert [Path(scene["path"]).name for scene in march] == ["coast_20260301.tif"]
    west, south, east, north = march[0]["bbox"]
    there = get(reader, "/api/scenes", bbox=f"{west},{south},{east},{north}")["scenes"]
    assert there == march
    assert get(reader, "/api/scenes", near=f"{south},{west},1")["scenes"] == march
    assert by_command("store", "scenes", stored, "--label", "harbor")["scenes"] == harbors
    assert by_command("store", "scenes", stored, "--limit", 4) == first
    features = get(reader, "/api/scenes.geojson", limit=2)["features"]
    assert [one["properties"]["id"] for one in features] == [
        one["id"] for one in whole["scenes"][:2]
    ]
    assert reader.get("/api/scenes.geojson").headers["content-type"] == "application/geo+json"


def test_a_scene_and_its_tiles_are_described(reader: TestClient, stored: Path) -> None:
    listed = get(reader, "/api/scenes", label="coast")["scenes"][0]
    scene = get(reader, f"/api/scenes/{listed['id']}")
    assert {key: scene[key] for key in ("id", "path", "labels", "tiles", "rows", "time")} == {
        key: listed[key] for key in ("id", "path", "labels", "tiles", "rows", "time")
    }
    assert np.allclose(scene["bbox"], listed["bbox"], atol=1e-4)
    assert (scene["width"], scene["height"], scene["available"]) == (768, 512, True)
    assert np.array(scene["footprint"]).shape == (4, 2)
    tiles = get(reader, f"/api/scenes/{listed['id']}/tiles", limit=4)
    more = get(reader, f"/api/scenes/{listed['id']}/tiles", after=tiles["next"])
    every = [*tiles["tiles"], *more["tiles"]]
    assert more["next"] is None
    assert [one["row"] for one in every] == list(range(listed["rows"][0], listed["rows"][1] + 1))
    tile = get(reader, f"/api/tiles/{every[2]['row']}")
    assert tile["id"] == listed["id"]
    assert {key: tile[key] for key in every[2]} == every[2]
    with CodeStore.open(stored) as store:
        code = store.codes(np.array([tile["row"]]))[0].tobytes().hex()
    assert tile["code"] == code


def test_labels_and_times_are_counted(reader: TestClient) -> None:
    labels = {one["label"]: one["scenes"] for one in get(reader, "/api/labels")["labels"]}
    assert labels == {"coast": 2, "forest": 4, "harbor": 4}
    times = get(reader, "/api/times", bins=31)
    assert (sum(one["scenes"] for one in times["bins"]), times["without"]) == (2, 8)
    assert get(reader, "/api/times", label="harbor")["bins"] == []


def test_pictures_are_the_pixels_that_ingest_reads(reader: TestClient) -> None:
    scene = get(reader, "/api/scenes", label="coast")["scenes"][0]
    row = scene["rows"][0]
    tile = get(reader, f"/api/tiles/{row}")
    x, y, width, height = tile["window"]
    with open_scene(Path(scene["path"])) as opened:
        expected = opened.overview(768)[y : y + height, x : x + width]
    assert np.array_equal(pixels(reader, f"/api/tiles/{row}/image"), expected)
    window = {"left": x, "top": y, "width": width, "height": height}
    same = pixels(reader, f"/api/scenes/{scene['id']}/window.png", **window)
    assert np.array_equal(same, expected)
    small = pixels(reader, f"/api/scenes/{scene['id']}/window.png", **window, size=64)
    assert small.shape == (64, 64, 3)
    whole = pixels(reader, f"/api/scenes/{scene['id']}/window.png", size=300)
    assert whole.shape == (200, 300, 3)
    # Never enlarged: a page does that as well.
    assert (
        pixels(reader, f"/api/scenes/{scene['id']}/window.png", **window, size=2048).shape[0] == 256
    )
    thumbnail = reader.get(f"/api/tiles/{row}/thumbnail")
    assert thumbnail.headers["content-type"] == "image/jpeg"


def test_a_tile_to_look_at_is_a_jpeg_of_its_pixels(reader: TestClient) -> None:
    exact = pixels(reader, "/api/tiles/0/image").astype(int)
    answer = reader.get("/api/tiles/0/image", params={"format": "jpeg"})
    assert answer.headers["content-type"] == "image/jpeg"
    shown = pixels(reader, "/api/tiles/0/image", format="jpeg").astype(int)
    assert shown.shape == exact.shape
    assert np.abs(shown - exact).mean() < 4
    assert reader.get("/api/tiles/0/image", params={"format": "gif"}).status_code == 422


def test_map_tiles_have_the_scene_where_it_lies(reader: TestClient) -> None:
    scene = get(reader, "/api/scenes", label="coast")["scenes"][0]
    west, south, east, north = scene["bbox"]
    zoom = 12
    x = int(((west + east) / 2 + 180) / 360 * 2**zoom)
    latitude = np.radians((south + north) / 2)
    y = int((1 - np.arcsinh(np.tan(latitude)) / np.pi) / 2 * 2**zoom)
    tile = pixels(reader, f"/api/scenes/{scene['id']}/map/{zoom}/{x}/{y}.png")
    assert tile.shape == (256, 256, 4)
    assert 0.05 < (tile[..., 3] > 0).mean() <= 1
    elsewhere = pixels(reader, f"/api/scenes/{scene['id']}/map/{zoom}/0/0.png")
    assert not elsewhere.any()
    refused = reader.get(f"/api/scenes/{scene['id']}/map/3/9/0.png")
    assert (refused.status_code, "give a zoom" in refused.json()["detail"]) == (422, True)


def test_a_picture_that_a_browser_has_is_not_sent_again(reader: TestClient) -> None:
    for address in ("/api/tiles/0/image", "/api/tiles/0/thumbnail"):
        first = reader.get(address)
        assert first.headers["cache-control"] == "private, max-age=86400"
        again = reader.get(address, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_a_scene_whose_file_is_gone_shows_thumbnails_and_says_so(
    tmp_path: Path, model: HashModel
) -> None:
    (tmp_path / "in").mkdir()
    write_picture(tmp_path / "in" / "a.png", draw("harbor", 1))
    write_picture(tmp_path / "in" / "b.png", draw("forest", 1))
    ingest(tmp_path / "in", tmp_path / "s", model, IngestOptions(thumbnails=True))
    (tmp_path / "in" / "a.png").unlink()
    write_picture(tmp_path / "in" / "b.png", draw("forest", 2))
    with station_client(tmp_path / "s", model) as client:
        for row, reason in ((0, "cannot be read"), (1, "differs from the stored scene")):
            image = client.get(f"/api/tiles/{row}/image")
            assert image.headers["scenehash-from"] == "thumbnail"
            assert image.content == client.get(f"/api/tiles/{row}/thumbnail").content
            number = get(client, f"/api/tiles/{row}")["id"]
            scene = get(client, f"/api/scenes/{number}")
            assert (scene["available"], scene["width"]) == (False, None)
            assert reason in scene["unavailable"]
            refused = client.get(f"/api/scenes/{number}/window.png")
            assert (refused.status_code, reason in refused.json()["detail"]) == (422, True)
            query = {"queries": [{"scene": number}]}
            assert reason in client.post("/api/search", json=query).json()["detail"]
        CodeStore.open(tmp_path / "s", writable=True).keep_thumbnails(False)
        assert client.get("/api/tiles/0/image").status_code == 422


def test_an_image_is_sent_searched_with_and_seen_again(
    reader: TestClient, scenes: Path, tmp_path: Path, model: HashModel
) -> None:
    query = write(tmp_path / "q.png", draw("harbor", 9))
    sent = send(reader, query, "my <b>harbor</b>.png")
    assert {key: sent[key] for key in ("width", "height", "tiles", "footprint", "name")} == {
        "width": 256, "height": 256, "tiles": 1, "footprint": None, "name": "my <b>harbor</b>.png",
    }  # fmt: skip
    assert sent["code"] == model.encode([draw("harbor", 9)], 64)[0].tobytes().hex()
    assert send(reader, query)["upload"] == sent["upload"]
    again = get(reader, f"/api/uploads/{sent['upload']}")
    assert again == sent | {"name": query.name, "expires": again["expires"]}
    window = {"left": 20, "top": 30, "width": 64, "height": 48}
    cut = pixels(reader, f"/api/uploads/{sent['upload']}/image", size=64, **window)
    assert np.array_equal(cut, draw("harbor", 9)[30:78, 20:84])
    shown = pixels(reader, f"/api/uploads/{sent['upload']}/image", size=256)
    assert np.array_equal(shown, draw("harbor", 9))
    found = reader.post(
        "/api/search", json={"queries": [{"upload": sent["upload"]}], "k": 3}
    ).json()
    same = get(reader, "/api/search", q=f"code:{sent['code']}", k=3)
    assert [hit["row"] for hit in found["hits"]] == [hit["row"] for hit in same["hits"]]
    raster = send(reader, scenes / "coast" / "coast_20260301.tif")
    assert (raster["tiles"], raster["code"]) == (6, None)
    assert raster["time"] is None
    assert np.array(raster["footprint"]).shape == (4, 2)
    part = {"upload": raster["upload"], "window": [256, 0, 256, 256]}
    hit = reader.post("/api/search", json={"queries": [part]}).json()["hits"][0]
    assert (hit["distance"], hit["window"]) == (0, [256, 0, 256, 256])


def test_a_place_is_searched_with_and_hits_are_grouped_by_place(reader: TestClient) -> None:
    scene = get(reader, "/api/scenes", label="coast")["scenes"][-1]
    tile = get(reader, f"/api/scenes/{scene['id']}/tiles")["tiles"][4]
    longitude, latitude = np.mean(tile["footprint"], axis=0)
    asked = {"queries": [{"at": [latitude, longitude]}], "k": 20, "group": True, "explain": True}
    found = reader.post("/api/search", json=asked).json()
    assert found["query"] == f"row:{tile['row']}"
    grouped = [row for group in found["groups"] for row in group]
    assert sorted(grouped) == sorted(hit["row"] for hit in found["hits"])
    assert len(found["groups"]) <= 20 <= len(grouped)
    assert found["groups"][0][0] == found["hits"][0]["row"]
    assert "seconds" in str(found["explanation"]) or found["explanation"]
    same = get(reader, "/api/search", q=f"at:{latitude},{longitude}", k=20)
    assert same["hits"] == found["hits"]
    inside = {"queries": [{"scene": scene["id"], "at": [latitude, longitude]}], "k": 1}
    assert reader.post("/api/search", json=inside).json()["hits"][0]["row"] == tile["row"]
    nowhere = reader.get("/api/search", params={"q": "at:0,0"})
    assert (nowhere.status_code, "no stored tile shows 0,0" in nowhere.text) == (404, True)


def test_hits_are_geojson_as_the_command_writes_them(
    reader: TestClient, stored: Path, tmp_path: Path
) -> None:
    row = get(reader, "/api/scenes", label="coast")["scenes"][0]["rows"][0]
    out = tmp_path / "hits.geojson"
    by_command("search", f"row:{row}", "--store", stored, "-k", 5, "--geojson", out)
    asked = {"q": f"row:{row}", "k": 5}
    assert get(reader, "/api/search.geojson", **asked) == json.loads(out.read_text())


def test_alerts_are_made_tried_judged_and_removed_as_by_command(
    own: Path, model: HashModel, tmp_path: Path
) -> None:
    query = write(tmp_path / "q.png", draw("harbor", 9))
    with station_client(own, model) as client:
        upload = {"upload": send(client, query)["upload"]}
        body = {"name": "quay", "examples": [{"row": 0}, upload], "not": [{"row": 7}], "radius": 9}
        tried = client.post("/api/alerts/test", json={**body, "label": "harbor"})
        assert tried.status_code == 200, tried.text
        assert by_command("alert", "list", "--store", own)["alerts"] == []
        made = client.post("/api/alerts", json=body)
        assert made.status_code == 201, made.text
        listed = by_command("alert", "list", "--store", own)
        assert get(client, "/api/alerts") == listed
        assert listed["alerts"] == [made.json()] == [get(client, "/api/alerts/quay")]
        assert made.json()["examples"] == ["row:0", "upload:q.png"]
        tuned = by_command("alert", "test", "quay", "--label", "harbor", "--store", own)
        assert get(client, "/api/alerts/quay/test", label="harbor") == tuned == tried.json()
        assert tuned["tiles"] == 8
        assert client.post("/api/alerts", json=body).status_code == 409
        judged = client.post("/api/alerts/quay/confirm", json={"row": 1}).json()
        assert judged["examples"] == ["row:0", "upload:q.png", "row:1"]
        said = judged.pop("judged")
        assert said.keys() == {"row", "scene", "distance", "matches"}
        client.post("/api/alerts/quay/confirm", json={"row": 5})
        assert client.post("/api/alerts/quay/forget", json={"row": 5}).json() == judged
        assert client.post("/api/alerts/quay/forget", json={"row": 5}).status_code == 404
        judged = client.post("/api/alerts/quay/reject", json={"row": 4}).json()
        assert judged["negatives"] == ["row:7", "row:4"]
        assert judged == by_command("alert", "list", "--store", own)["alerts"][0]
        assert client.patch("/api/alerts/quay", json={"radius": 3}).json()["radius"] == 3
        assert client.patch("/api/alerts/quay", json={"radius": 64}).status_code == 422
        gone = client.delete("/api/alerts/quay")
        assert gone.json() == {"store": str(own), "removed": "quay"}
        assert client.delete("/api/alerts/quay").status_code == 404
        for name in ("a/b", "é & <b>", "test", "100%"):
            assert client.post("/api/alerts", json={**body, "name": name}).status_code == 201
            from urllib.parse import quote

            assert get(client, f"/api/alerts/{quote(name, safe='')}")["name"] == name
            assert client.delete(f"/api/alerts/{quote(name, safe='')}").status_code == 200


def test_what_was_mended_is_taken_out_of_quarantine_by_a_job(
    own: Path, model: HashModel, tmp_path: Path
) -> None:
    (tmp_path / "late.png").write_bytes(b"")
    assert run("ingest", tmp_path / "late.png", "--store", own).exit_code == 3
    with station_client(own, model) as client:
        assert len(get(client, "/api/quarantine")["quarantine"]) == 1
        write_picture(tmp_path / "late.png", draw("river", 1))
        asked = client.post("/api/quarantine/retry")
        assert (asked.status_code, asked.headers["location"]) == (
            202, f"/api/jobs/{asked.json()['id']}",
        )  # fmt: skip
        job = finished(client, asked.json())
        assert (job["state"], job["kind"], job["done"], job["total"]) == ("done", "retry", 1, 1)
        assert job["result"]["scenes_stored"] == 1
        assert get(client, "/api/quarantine")["quarantine"] == []
        assert get(client, "/api/jobs")["jobs"] == [job]
        assert client.get("/api/jobs/none").status_code == 404


def test_a_scene_is_accepted_where_the_server_accepts_any(
    own: Path, model: HashModel, tmp_path: Path
) -> None:
    data = write(tmp_path / "x.png", draw("river", 3)).read_bytes()
    binary = {"Content-Type": "image/png"}
    with station_client(own, model) as client:
        refused = client.post("/api/scenes?name=r.png", content=data, headers=binary)
        assert (refused.status_code, "--accept" in refused.json()["detail"]) == (403, True)
    (tmp_path / "kept").mkdir()
    options = ServeOptions(threads=2, accept=tmp_path / "kept")
    with station_client(own, model, options) as client:
        asked = client.post("/api/scenes?name=r.png&label=new", content=data, headers=binary)
        assert asked.status_code == 202, asked.text
        job = finished(client, asked.json())
        assert job["result"]["scenes_stored"] == 1
        assert (tmp_path / "kept" / "r.png").read_bytes() == data
        listed = get(client, "/api/scenes", label="new")["scenes"]
        assert [scene["path"] for scene in listed] == [str(tmp_path / "kept" / "r.png")]
        again = client.post("/api/scenes?name=r.png", content=data, headers=binary)
        assert (again.status_code, "give another name" in again.text) == (422, True)
        for name in ("../r.png", "/etc/r.png", ".r.png", "r.txt", "a/b.png", "r.png.done", ""):
            asked = client.post("/api/scenes", params={"name": name}, content=data, headers=binary)
            assert asked.status_code == 422, name
        nothing = client.post("/api/scenes?name=n.png", content=b"no image", headers=binary)
        assert nothing.status_code == 422
        assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["r.png"]


def test_the_station_says_how_it_is(own: Path, model: HashModel) -> None:
    with station_client(own, model) as client:
        station = get(client, "/api/station")
        assert station["store"]["tiles"] == 8
        assert station["model"]["fits"] is True
        assert station["watch"] is None
        assert station["last_scene"] == get(client, "/api/scenes")["scenes"][0]
        assert 0 < station["disk"]["free"] < station["disk"]["total"]
        run("watch", own.parent, "--once", "--settle", 0, "--store", own)
        watch = get(client, "/api/station")["watch"]
        assert (watch["running"], watch["backlog"]) == (False, 0)
        assert get(client, "/healthz") == {"status": "ok"}


def test_figures_are_what_prometheus_reads(own: Path, model: HashModel) -> None:
    with station_client(own, model) as client:
        get(client, "/api/search", q="row:0")
        get(client, "/api/search", q="row:0")
        client.get("/api/tiles/999")
        text = client.get("/metrics").text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    asked = 'scenehash_requests_total{method="GET",path="/api/search",status="200"}'
    assert lines[asked] == "2"
    assert (
        lines['scenehash_requests_total{method="GET",path="/api/tiles/{row}",status="404"}'] == "1"
    )
    assert lines["scenehash_tiles"] == "8"
    assert lines['scenehash_nearest_bits_bucket{le="0"}'] == "2"
    assert lines['scenehash_stage_seconds_count{stage="search"}'] == "2"
    assert (
        lines['scenehash_request_seconds_bucket{method="GET",path="/api/search",le="+Inf"}'] == "2"
    )
    for line in text.splitlines():
        assert line.startswith("# ") or float(line.rsplit(" ", 1)[1]) >= 0


def test_a_store_that_is_written_to_or_replaced_is_followed(
    own: Path, model: HashModel, scenes: Path
) -> None:
    with station_client(own, model) as client:
        assert get(client, "/api/store")["tiles"] == 8
        ingest(scenes / "coast", own, model)
        assert get(client, "/api/store")["tiles"] == 20
        assert len(get(client, "/api/search", q="row:19", k=20)["hits"]) == 20
        own.rename(own.with_name("old"))
        assert client.get("/api/store").status_code in (404, 409)
        ingest(scenes / "coast", own, model)
        assert get(client, "/api/store")["tiles"] == 12
        assert client.get("/api/tiles/15").status_code == 404


def test_the_description_is_complete_and_needs_no_network(reader: TestClient) -> None:
    document = get(reader, "/api/openapi.json")
    assert {"/api/search", "/api/scenes/{number}/map/{zoom}/{column}/{row}.png", "/metrics"} <= set(
        document["paths"]
    )
    page = reader.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http" not in page.text.replace("https?", "")
    assert "<script" not in page.text
    for path in document["paths"]:
        assert path in page.text
    assert reader.get("/api/docs.css").headers["content-type"].startswith("text/css")


def test_another_model_than_the_stores_is_named_and_rows_are_still_found(
    tmp_path: Path, model: HashModel, scenes: Path
) -> None:
    from ..store.samples import make

    make(tmp_path / "s", 3).close()
    with station_client(tmp_path / "s", model) as client:
        assert get(client, "/api/station")["model"]["fits"] is False
        assert len(get(client, "/api/search", q="row:0")["hits"]) == 6
        data = (scenes / "harbor" / "harbor_0.png").read_bytes()
        refused = client.post("/api/uploads", content=data, headers={"Content-Type": "image/png"})
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:scenehash:LineageError")


def test_a_store_that_got_another_models_codes_is_followed(tmp_path: Path) -> None:
    by = models(tmp_path)
    write_scenes(tmp_path / "scenes", range(6))
    store = make_store(tmp_path / "s", tmp_path / "scenes", by["first"])
    query = tmp_path / "scenes" / "3.png"
    with station_client(store, by["first"]) as client:
        alert = {"name": "quay", "examples": [{"row": 0}]}
        assert client.post("/api/alerts", json=alert).status_code == 201
        sent = send(client, query)
        asked = {"queries": [{"upload": sent["upload"]}], "k": 1}
        assert client.post("/api/search", json=asked).json()["lineage"] == by["first"].lineage
        rehash(store, by["adapted"])
        answer = client.post("/api/search", json=asked)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["lineage"], found["bits"]) == (by["adapted"].lineage, 128)
        assert found["hits"][0]["distance"] == 0
        assert get(client, "/api/station")["model"]["fits"] is True
        assert get(client, "/api/alerts")["alerts"][0]["name"] == "quay"
        again = send(client, query)
        assert len(again["code"]) == 32


def write(path: Path, image: Image) -> Path:
    write_picture(path, image)
    return path

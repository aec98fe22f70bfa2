"""What does the server add to a search, and what do many clients and a watch do to each other?

python benchmarks/serve.py [--tiles 1000000] [--seconds 60] [--clients 32] [--store FOLDER]

A store of so many tiles is made (codes loosely clustered, footprints, times; kept in --store), and
`scenehash serve` runs as a process of its own. The peer is what a user would write: FAISS
IndexBinaryFlat on the same codes behind FastAPI and uvicorn, and behind Flask where that is
installed. Clients are threads of another
process, each with a connection that it keeps. Where Playwright and Chromium are, a browser measures
the first view, and the time from a query to painted hits. --json FILE keeps the figures.
"""

import argparse
import contextlib
import http.client
import importlib.util
import json
import logging
import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from search_archives import draw

from scenehash import CodeStore, HashModel, search
from scenehash.demo.tiles import KINDS, demo_tiles
from scenehash.retrieval.query import Query
from scenehash.scenes import Window
from scenehash.store import HashedScene

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-c", "from scenehash.cli.main import main; main()"]
TILES_A_SCENE, SCENES_TOGETHER = 100, 200
K = 20
QUERIES = 300
# What a client asks, again and again, is of its own seed.
CODES, FIRST_SEED = 500, 100
PAINTED, VIEWS = 60, 5
# Seconds between two scenes that arrive.
ARRIVAL = 1.0

Times = list[float]


def make_store(path: Path, tiles: int, model: HashModel) -> None:
    """A store of scenes of a hundred tiles each, whose files do not exist."""
    codes, _ = draw("loose", 64, tiles, 0, None)
    rng = np.random.default_rng(0)
    grid = np.array([(x, y) for y in range(10) for x in range(10)])
    ring = np.array([[0, 1], [1, 1], [1, 0], [0, 0]])
    with CodeStore.open_or_create(path, model.lineage, 64, model.name) as store:
        group = []
        for number in range(tiles // TILES_A_SCENE):
            corner = rng.uniform([-179, -70], [178, 70])
            footprints = corner + 0.01 * (grid[:, None, :] + ring[None])
            own = codes[number * TILES_A_SCENE : (number + 1) * TILES_A_SCENE]
            windows = [Window(256 * int(x), 256 * int(y), 256, 256) for x, y in grid]
            time_ = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=number)
            labels = [f"pass {number % 50}"]
            content, file = f"{number:032x}", f"/archive/{number:06d}.tif"
            group.append(HashedScene(content, file, windows, own, time_, footprints, labels))
            if len(group) == SCENES_TOGETHER:
                store.add(group)
                group = []
        store.add(group)
    with CodeStore.open(path) as store:
        store.build_index()


def codes_asked(count: int, seed: int) -> list[str]:
    """Codes that are near to stored ones, in hexadecimal digits."""
    stored, _ = draw("loose", 64, 100_000, 0, None)
    rng = np.random.default_rng(seed)
    some = stored[rng.integers(0, len(stored), count)].copy()
    some[:, 0] ^= rng.integers(0, 8, count, np.uint8)
    return [code.tobytes().hex() for code in some]


def search_alone(path: Path, seconds: float) -> dict[str, float]:
    """Searches in this process, one thread, of what one client asks, once all is loaded."""
    with CodeStore.open(path) as store:
        for code in codes_asked(QUERIES, 1):
            search(store, Query.from_code(code), K)
        times: Times = []
        codes = codes_asked(CODES, FIRST_SEED)
        used, stop = time.process_time(), time.monotonic() + seconds
        while time.monotonic() < stop:
            began = time.perf_counter()
            search(store, Query.from_code(codes[len(times) % CODES]), K)
            times.append(time.perf_counter() - began)
        used = time.process_time() - used
    return {**percentiles(times), "processor": round(1000 * used / len(times), 2)}


@contextlib.contextmanager
def server(words: Sequence[object], port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that listens at a port, until the context ends."""
    process = subprocess.Popen([str(word) for word in words], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 300
        while True:
            assert process.poll() is None, words
            assert time.monotonic() < deadline, words
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def ask(port: int, path: str, body: bytes | None = None, kind: str = "") -> tuple[float, bytes]:
    """Seconds of one request with a connection of its own, and the answer."""
    began = time.perf_counter()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as one:
        one.request("GET" if body is None else "POST", path, body, {"Content-Type": kind})
        answer = one.getresponse()
        data = answer.read()
        assert answer.status < 300, (answer.status, data[:300])
    return time.perf_counter() - began, data


def load(port: int, form: str, clients: int, seconds: float) -> dict[str, Any]:
    """Clients that ask one request after another, each with a new code; in this process."""
    times: Times = []
    errors: list[str] = []
    stop = time.monotonic() + seconds
    lock = threading.Lock()

    def client(number: int) -> None:
        codes = codes_asked(CODES, FIRST_SEED + number)
        own: Times = []
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        at = 0
        while time.monotonic() < stop:
            began = time.perf_counter()
            try:
                connection.request("GET", form.format(code=codes[at % CODES]))
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise OSError(str(answer.status))
                own.append(time.perf_counter() - began)
            except (OSError, http.client.HTTPException) as error:
                errors.append(str(error))
                connection.close()
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            at += 1
        connection.close()
        with lock:
            times.extend(own)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "clients": clients,
        "requests": len(times),
        "rate": round(len(times) / seconds, 1),
        **percentiles(times),
        "errors": len(errors),
        "first_error": errors[:1],
    }


def load_of_others(pid: int, port: int, form: str, clients: int, seconds: float) -> dict[str, Any]:
    """The same in a process of its own; and milliseconds of processor time that the server took for
    each request, which do not depend on who else uses the machine."""
    words = [sys.executable, __file__, "--load", port, form, clients, seconds]
    before = processor_seconds(pid)
    done = subprocess.run(list(map(str, words)), cwd=ROOT, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    used = processor_seconds(pid) - before
    return {**found, "processor": round(1000 * used / max(1, found["requests"]), 2)}


def processor_seconds(pid: int) -> float:
    """What a process has used of processors so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watch_latencies(store: Path, folder: Path, seconds: float) -> Times:
    """Seconds from a scene's arrival to its event, of a watch while scenes arrive."""
    folder.mkdir(exist_ok=True)
    events = folder.parent / f"{folder.name}.jsonl"
    words = [*COMMAND, "watch", folder, "--store", store, "--events", events, "--done-mark",
             "--threads", 1]  # fmt: skip
    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    arrived: dict[str, float] = {}
    seen: dict[str, float] = {}
    rng = random.Random(str(folder))
    deadline = time.monotonic() + seconds
    following = time.monotonic() + 3
    try:
        while time.monotonic() < deadline + 20:
            now = time.monotonic()
            if now >= following and now < deadline:
                following += ARRIVAL
                image = demo_tiles(rng.choice(list(KINDS)))[0].copy()
                image[:2] = rng.randbytes(1)[0]
                image[2:4] = len(arrived) % 256
                path = folder / f"{len(arrived):05d}.png"
                cv2.imwrite(str(path), image)
                path.with_name(f"{path.name}.done").touch()
                arrived[str(path)] = time.time()
            if events.exists():
                for line in events.read_text().splitlines():
                    scene = json.loads(line)["scene"]
                    seen.setdefault(scene, time.time())
            if now > deadline and len(seen) >= len(arrived):
                break
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert len(seen) >= len(arrived), "a scene was not reported"
    return [seen[path] - at for path, at in arrived.items()]


# From a new address to the frame after the one in which its hits are there.
TO_HITS = """code => new Promise(done => {
    const results = document.querySelector(".results"), begun = performance.now();
    let asked = false;
    const look = new MutationObserver(() => {
        asked ||= results.getAttribute("aria-busy") === "true";
        if (!asked || results.getAttribute("aria-busy") === "true") return;
        if (!results.querySelector(".hits .hit")) return;
        look.disconnect();
        requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
    });
    look.observe(results, { attributes: true, childList: true, subtree: true });
    history.pushState({}, "", `/search?q=code:${code}`);
    dispatchEvent(new PopStateEvent("popstate"));
})"""


def in_a_browser(port: int) -> dict[str, dict[str, float]]:
    """The first view, and from a query to painted hits, as Chromium has them; {} without one."""
    chromium = os.environ.get("SCENEHASH_CHROMIUM") or shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {}
    if chromium is None:
        return {}
    views, hits = [], []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(VIEWS):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            began = time.perf_counter()
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector(".newest .hit")
            page.wait_for_selector("path.coverage", state="attached")
            views.append(time.perf_counter() - began)
            if len(views) < VIEWS:
                context.close()
        for code in codes_asked(PAINTED, 3):
            hits.append(page.evaluate(TO_HITS, code) / 1000)
        browser.close()
    return {"browser, first view": percentiles(views), "browser, query to hits": percentiles(hits)}


def memory(pid: int) -> dict[str, int]:
    """Megabytes that a process has in memory now, and has had at most; and of them its own."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = {key: int(text.split(f"{key}:")[1].split()[0]) // 1024 for key in ("VmRSS", "VmHWM")}
    own = int(text.split("RssAnon:")[1].split()[0]) // 1024
    return {"now": found["VmRSS"], "most": found["VmHWM"], "without_files": own}


def percentiles(times: Times) -> dict[str, float]:
    """Milliseconds."""
    if not times:
        return {"p50": float("nan"), "p95": float("nan"), "most": float("nan")}
    p50, p95, most = np.percentile(times, [50, 95, 100]) * 1000
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2), "most": round(float(most), 1)}


def peer(path: Path, port: int, framework: str) -> None:
    """What a user would write: FAISS behind FastAPI, or behind Flask, as clip-retrieval's back end
    is. Runs until it is ended."""
    # Each thread of a server has its own: what faiss is told counts for the thread that says it.
    os.environ["OMP_NUM_THREADS"] = "1"
    import faiss

    with CodeStore.open(path) as store:
        codes = np.concatenate([codes for _, codes in store.living()])
    index = faiss.IndexBinaryFlat(64)
    index.add(codes)

    def knn(code: str) -> list[dict[str, Any]]:
        distances, rows = index.search(np.frombuffer(bytes.fromhex(code), np.uint8)[None], K)
        return [
            {"row": row, "distance": distance, "scene": f"/archive/{row // TILES_A_SCENE:06d}.tif"}
            for row, distance in zip(rows[0].tolist(), distances[0].tolist(), strict=True)
        ]

    if framework == "flask":
        from flask import Flask, jsonify, request

        flask = Flask("peer")
        flask.add_url_rule("/knn", view_func=lambda: jsonify(knn(request.args["code"])))
        logging.getLogger("werkzeug").disabled = True
        flask.run("127.0.0.1", port, threaded=True)
        return
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()
    app.get("/knn")(knn)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


class _Printed(dict[str, Any]):
    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        print(f"{name:32} {value}", flush=True)


def measure(store: Path, seconds: float, clients: int, folder: Path) -> dict[str, Any]:
    """All figures; each is printed as it is found."""
    found = _Printed()
    found["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    found["load before"] = os.getloadavg()[0]
    found["search alone"] = search_alone(store, min(seconds, 20))
    form = f"/api/search?q=code:{{code}}&k={K}"
    port = free_port()
    began = time.perf_counter()
    words = [*COMMAND, "serve", "--store", store, "--port", port, "--threads", 2]
    with server(words, port) as process:
        found["start"] = {"seconds": round(time.perf_counter() - began, 2)}
        found["first view"] = {
            path: round(1000 * ask(port, path)[0], 1)
            for path in ("/", "/api/session", "/api/station", "/api/scenes?limit=100",
                         "/api/labels", "/api/times", "/api/events?limit=50", "/api/alerts")
        }  # fmt: skip
        for code in codes_asked(QUERIES, 1):
            ask(port, form.format(code=code))
        found["memory, idle"] = memory(process.pid)
        for name, times_ in in_a_browser(port).items():
            found[name] = times_
        found["one client"] = load_of_others(process.pid, port, form, 1, min(seconds, 20))
        image = cv2.imencode(".jpg", demo_tiles("harbor")[0])[1].tobytes()
        times = []
        for number in range(50):
            data = image + bytes([number])
            sent, answer = ask(port, "/api/uploads", data, "image/jpeg")
            body = json.dumps({"queries": [{"upload": json.loads(answer)["upload"]}], "k": K})
            took, _ = ask(port, "/api/search", body.encode(), "application/json")
            times.append((sent, took))
        found["image sent"] = percentiles([sent for sent, _ in times])
        found["image searched"] = percentiles([took for _, took in times])
        found["many clients"] = load_of_others(process.pid, port, form, clients, seconds)
        found["memory, after"] = memory(process.pid)
        result: dict[str, Any] = {}
        watching = threading.Thread(
            target=lambda: result.update(watch=watch_latencies(store, folder / "beside", seconds))
        )
        watching.start()
        time.sleep(3)
        found["many clients, a watch beside"] = load_of_others(
            process.pid, port, form, clients, seconds
        )
        watching.join()
        found["watch, clients beside"] = percentiles(result["watch"])
        found["memory, after a watch"] = memory(process.pid)
    found["watch alone"] = percentiles(watch_latencies(store, folder / "alone", seconds))
    for framework in filter(importlib.util.find_spec, ("fastapi", "flask")):
        port, name = free_port(), f"FAISS behind {framework}"
        with server([sys.executable, __file__, "--peer", store, port, framework], port) as process:
            for code in codes_asked(20, 1):
                ask(port, f"/knn?code={code}")
            found[f"{name}, one client"] = load_of_others(
                process.pid, port, "/knn?code={code}", 1, min(seconds, 15)
            )
            found[f"{name}, many clients"] = load_of_others(
                process.pid, port, "/knn?code={code}", clients, min(seconds, 15)
            )
            found[f"{name}, memory"] = memory(process.pid)
    found["load after"] = os.getloadavg()[0]
    return found


def main() -> None:
    if sys.argv[1:2] == ["--load"]:
        port, form, clients, seconds = sys.argv[2:]
        print(json.dumps(load(int(port), form, int(clients), float(seconds))))
        return
    if sys.argv[1:2] == ["--peer"]:
        peer(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = options.store or folder / "s"
        if not (store / "catalog.sqlite").is_file():
            began = time.perf_counter()
            make_store(store, options.tiles, HashModel.load())
            print(f"store of {options.tiles:,} tiles made in {time.perf_counter() - began:.0f} s")
        found = measure(store, options.seconds, options.clients, folder)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Does a push lose or double anything when it is killed, its engine is killed, or the line is cut?

python benchmarks/engine_faults.py [--kills 50] [--cut 60] [--tiles 40000] [--engines postgres]

A store is pushed by `scenehash push` in processes of its own, through a proxy on loopback. First
each is killed by SIGKILL at a random moment, so many times; then the server is killed and started
again in the middle of a push, with searches going on; then the proxy refuses all for so many
seconds. After each part a push that nobody disturbs ends, and all hits are compared with the
store's. Seeded; --json FILE keeps the figures.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from scenehash import CodeStore, EngineStore, Filter
from scenehash.errors import ScenehashError
from scenehash.store import SearchRequest
from tests.scenehash.engines.corpus import BITS, LINEAGE, make_scenes
from tests.scenehash.engines.proxy import Proxy
from tests.scenehash.engines.servers import Milvus, Postgres

COMMAND = [sys.executable, "-c", "from scenehash.cli.main import main; main()", "push"]
TILES_A_SCENE = 40
# A push of so many takes some seconds: what disturbs it comes in the middle.
CHANGES = 30


def pushing(store: Path, address: str, **more: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, "--store", str(store), "--to", address, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def finish(store: Path, address: str) -> dict[str, Any]:
    done = pushing(store, address)
    out, err = done.communicate()
    if done.returncode:
        raise SystemExit(f"a push that nobody disturbed failed: {out}{err}")
    found: dict[str, Any] = json.loads(out)
    return found


def difference(store: Path, address: str) -> dict[str, int]:
    """How many tiles are lost, or there twice or wrongly."""
    with CodeStore.open(store) as local, EngineStore.open(address) as engine:
        request = SearchRequest(np.zeros((1, BITS // 8), np.uint8), 2 * len(local))
        ours, theirs = (
            [(hit.distance, hit.row, hit.scene, hit.window) for hit in found.search_any(request)[0]]
            for found in (local, engine)
        )
        return {
            "lost": len(set(ours) - set(theirs)),
            "wrong": len(set(theirs) - set(ours)),
            "twice": len(theirs) - len(set(theirs)),
            "count off by": len(engine) - len(local),
        }


def change(store: Path, step: int) -> None:
    """Scenes come and go between two pushes."""
    with CodeStore.open(store, writable=True) as opened:
        opened.add(make_scenes(1000 + step, 40, TILES_A_SCENE))
        opened.delete(Filter(scene=f"/data/{1000 + step - 3}/scene1.tif"))


def killed_pushers(store: Path, address: str, kills: int, rng: random.Random) -> dict[str, Any]:
    finish(store, address)  # which also makes the collection
    change(store, -1)
    begun = time.perf_counter()
    finish(store, address)
    whole = time.perf_counter() - begun
    killed = ended = 0
    while killed < kills:
        change(store, killed + ended)
        process = pushing(store, address)
        try:
            process.wait(rng.uniform(0.3, 1.0) * whole)
            ended += 1
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
            print(f"{killed} pushers killed", file=sys.stderr, flush=True)
    finish(store, address)
    return {"killed": killed, "ended before": ended, **difference(store, address)}


def searching(address: str, stop: threading.Event, seen: dict[str, Any]) -> None:
    """Searches one after another: how many were answered, the longest, and what others said."""
    code = np.zeros((1, BITS // 8), np.uint8)
    while not stop.is_set():
        try:
            with EngineStore.open(address) as engine:
                while not stop.is_set():
                    begun = time.monotonic()
                    engine.search_any(SearchRequest(code, 20))
                    took = time.monotonic() - begun
                    seen["answers"] = seen.get("answers", 0) + 1
                    seen["slowest, seconds"] = max(seen.get("slowest, seconds", 0), round(took, 1))
                    time.sleep(0.05)
        except ScenehashError as error:
            failed = seen.setdefault("failed", {})
            failed[str(error)] = failed.get(str(error), 0) + 1
            time.sleep(0.2)


def disturbed(
    store: Path, address: str, step: int, disturb: Callable[[], None], delay: float
) -> dict[str, Any]:
    """A push of many changes, and searches, while something happens to the engine."""
    for more in range(CHANGES):
        change(store, step + more)
    stop = threading.Event()
    seen: dict[str, Any] = {}
    searcher = threading.Thread(target=searching, args=[address, stop, seen])
    searcher.start()
    process = pushing(store, address)
    time.sleep(delay)
    begun = time.perf_counter()
    disturb()
    out, err = process.communicate()
    took = time.perf_counter() - begun
    stop.set()
    searcher.join()
    messages = [line for line in err.splitlines() if "waiting" in line]
    return {
        "exit status": process.returncode,
        "seconds until the push had ended": round(took, 1),
        "messages": messages or (err or out)[-240:],
        "searches": seen,
        **difference(store, address),
    }


def examine(name: str, folder: Path, args: Any) -> dict[str, Any]:
    rng = random.Random(0)
    store = folder / f"{name}.store"
    with CodeStore.create(store, LINEAGE, BITS, "faults") as opened:
        opened.name_station("north")
        opened.add(make_scenes(1, 2 * args.tiles // TILES_A_SCENE, TILES_A_SCENE))
    server: Any = Milvus(folder) if name == "milvus" else Postgres()
    proxy = Proxy(("127.0.0.1", server.port))
    kind, path = ("milvus", "") if name == "milvus" else ("pg", "/tiles")
    user = "" if name == "milvus" else "postgres@"
    address = f"{kind}://{user}127.0.0.1:{proxy.port}{path}/faults"

    def restart() -> None:
        if name == "milvus":
            server.kill()
        else:
            server.stop("immediate")
        time.sleep(3)
        server.start()

    def cut() -> None:
        proxy.cut()
        time.sleep(args.cut)
        proxy.mend()

    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "pushers killed": lambda: killed_pushers(store, address, args.kills, rng),
        "server killed and started": lambda: disturbed(store, address, 5000, restart, 4.0),
        "line cut": lambda: disturbed(store, address, 6000, cut, 4.0),
    }
    result = {}
    try:
        for part, run in parts.items():
            result[part] = run()
            print(f"{part}: {result[part]}", file=sys.stderr, flush=True)
        return result
    finally:
        proxy.close()
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--cut", type=float, default=60.0)
    parser.add_argument("--tiles", type=int, default=40_000)
    parser.add_argument("--engines", nargs="*", default=["milvus", "postgres"])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    result = {}
    for name in args.engines:
        with tempfile.TemporaryDirectory() as folder:
            result[name] = examine(name, Path(folder), args)
    text = json.dumps(result, indent=2)
    print(text)
    if args.json is not None:
        args.json.write_text(text + "\n")


if __name__ == "__main__":
    main()

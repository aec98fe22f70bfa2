"""What is left of an archive's hashing when its workers are killed, and what do more workers give?

python benchmarks/archive.py faults  FOLDER [--scenes 2000] [--side 30000] [--every 20] [--disk]
python benchmarks/archive.py workers FOLDER [--scenes 400]
python benchmarks/archive.py bucket  FOLDER [--scenes 100] [--side 4096]

FOLDER: images, such as ../shared/data/ucmerced. faults: on four workers of a Dask scheduler, of
which one is killed every so many seconds, while the scheduler is killed and started again once;
--disk mounts a file system of 4 KiB where some of the parts belong, so that it is full (root). The
parts are compared with those of one process. workers: one and two local workers, and 64 simulated
from the times that their tasks took. bucket: scenes and parts both in a bucket, on a server on
loopback.
"""

import argparse
import contextlib
import heapq
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

import scenehash
from scenehash.objects import list_objects, read_object, write_object
from scenehash.scenes.files import find_scenes

WORKERS, SIMULATED = 4, 64
FULL_BYTES = "4k"
# Nothing listens but on loopback.
QUIET = ("--dashboard-address", "127.0.0.1:0")


def main() -> None:
    """Do what was asked for, and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=("faults", "workers", "bucket"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int)
    parser.add_argument("--side", type=int)
    parser.add_argument("--every", type=float, default=20.0)
    parser.add_argument("--disk", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scenehash-archive-") as name:
        result = {"faults": faults, "workers": workers, "bucket": bucket}[asked.way](
            asked, Path(name)
        )
    print(json.dumps(result, indent=2))


def faults(asked: argparse.Namespace, home: Path) -> dict[str, Any]:
    """The same parts from one process, and from workers that are killed."""
    scenes = make_scenes(asked.folder, home / "scenes", asked.scenes or 2000)
    make_raster(scenes, asked.side or 30_000)
    alone = scenehash.hash_archive(scenes, home / "alone", workers=1)
    say(f"one process: {alone.document()['seconds']} s")
    out = home / "out"
    full = out / min(alone_parts(home)).parent
    if asked.disk:
        full.mkdir(parents=True)
        (out / "model.onnx").write_bytes((home / "alone" / "model.onnx").read_bytes())
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={FULL_BYTES}", "none", full], check=True
        )
    try:
        with Cluster(asked.every) as cluster:
            first = scenehash.hash_archive(scenes, out, cluster.address)
            say(f"killed: {cluster.killed} workers, {cluster.restarted} schedulers")
            kept = {path.name: path.read_bytes() for path in full.glob("[!.]*")}
            if asked.disk:
                subprocess.run(["umount", full], check=True)
            second = scenehash.hash_archive(scenes, out, cluster.address)
            killed, restarted = cluster.killed, cluster.restarted
    finally:
        if os.path.ismount(full):
            subprocess.run(["umount", full], check=False)
    ours, theirs = parts_of(out), parts_of(home / "alone")
    return {
        "scenes": alone.hashed,
        "tiles": alone.tiles,
        "parts": len(theirs),
        "workers_killed": killed,
        "schedulers_killed": restarted,
        "failed_on_the_full_disk": len(first.failed),
        "reasons": sorted({reason.split(": ", 1)[1] for reason in first.failed.values()}),
        "written_on_the_full_disk": len(kept),
        "failed_in_the_end": len(second.failed),
        "parts_equal": ours == theirs,
        "manifests_equal": (out / "manifest.json").read_bytes()
        == (home / "alone" / "manifest.json").read_bytes(),
        "seconds_alone": round(alone.seconds),
        "seconds_with_faults": [round(first.seconds), round(second.seconds)],
    }


def workers(asked: argparse.Namespace, home: Path) -> dict[str, Any]:
    """One worker and two, in turns, and 64 by simulation."""
    scenes = make_scenes(asked.folder, home / "scenes", asked.scenes or 400)
    make_raster(scenes, asked.side or 8192)
    model = scenehash.HashModel.load()
    runs: dict[int, list[scenehash.HashReport]] = {1: [], 2: []}
    began = time.process_time()
    for turn in range(2 * 2):
        count = 1 + turn % 2
        out = home / f"out-{turn}"
        runs[count].append(scenehash.hash_archive(scenes, out, model=model, workers=count))
        shutil.rmtree(out)
        say(f"{count} workers: {runs[count][-1].seconds:.1f} s")
    every = [report for reports in runs.values() for report in reports]
    own = (time.process_time() - began) / sum(len(report.task_seconds) for report in every)
    one, two = (min(reports, key=lambda report: report.seconds) for reports in runs.values())
    mixed = random.Random(0).choices(one.task_seconds, k=SIMULATED * 400)
    large = [max(one.task_seconds)] * SIMULATED * 10
    return {
        "tiles": one.tiles,
        "seconds": {"1": round(one.seconds, 1), "2": round(two.seconds, 1)},
        "busy": {
            "1": round(sum(one.task_seconds) / one.seconds, 3),
            "2": round(sum(two.task_seconds) / (2 * two.seconds), 3),
        },
        "efficiency_2": round(one.seconds / (2 * two.seconds), 3),
        "processor_seconds_of_the_run_a_task": round(own, 5),
        "simulated_efficiency_64": {
            "tasks_as_here": round(sum(mixed) / SIMULATED / makespan(mixed, SIMULATED, own), 3),
            "the_largest_task": round(sum(large) / SIMULATED / makespan(large, SIMULATED, own), 3),
        },
        "seconds_a_task": {
            "mean": round(sum(one.task_seconds) / len(one.task_seconds), 4),
            "largest": round(max(one.task_seconds), 2),
        },
    }


def bucket(asked: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Scenes and parts both in a bucket; the parts are those of the same scenes in a folder."""
    scenes = make_scenes(asked.folder, home / "scenes", asked.scenes or 100)
    make_raster(scenes, asked.side or 4096)
    with object_server() as uri:
        for path in sorted(scenes.rglob("*.*")):
            write_object(f"{uri}/in/{path.relative_to(scenes)}", path.read_bytes())
        done = scenehash.hash_archive(f"{uri}/in", f"{uri}/out", workers=2)
        again = scenehash.hash_archive(f"{uri}/in", f"{uri}/out", workers=2)
        loaded = scenehash.load_archive(f"{uri}/out", home / "loaded")
        sizes = [one.size for one in list_objects(f"{uri}/out/parts")]
        manifest = json.loads(read_object(f"{uri}/out/manifest.json", 1 << 26))
    scenehash.ingest(scenes, home / "ingested")
    return {
        "scenes": done.hashed,
        "tiles": done.tiles,
        "failed": done.failed,
        "known_the_second_time": again.known,
        "parts": len(sizes),
        "bytes": sum(sizes),
        "manifest_done": sum(scene["state"] == "done" for scene in manifest["scenes"]),
        "loaded": loaded.stored,
        "rows_equal": codes_of(home / "loaded") == codes_of(home / "ingested"),
        "seconds": round(done.seconds, 1),
    }


class Cluster:
    """A Dask scheduler and its workers, processes that are killed and started again."""

    def __init__(self, every: float) -> None:
        self._every, self._over = every, threading.Event()
        self._port = free_port()
        self.address = f"tcp://127.0.0.1:{self._port}"
        self.killed = self.restarted = 0
        self._folder = tempfile.mkdtemp(prefix="scenehash-dask-")

    def __enter__(self) -> "Cluster":
        self._scheduler = self._begin()
        self._workers = [self._worker() for _ in range(WORKERS)]
        self._killing = threading.Thread(target=self._kill)
        self._killing.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._killing.join()
        for process in (*self._workers, self._scheduler):
            process.kill()
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, kind: str, *arguments: str) -> subprocess.Popen[bytes]:
        # In this process's Python, wherever dask's own command is.
        code = f"from distributed.cli.dask_{kind} import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", code, "--host", "127.0.0.1", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
        )

    def _begin(self) -> subprocess.Popen[bytes]:
        return self._start("scheduler", "--port", str(self._port), *QUIET)

    def _worker(self) -> subprocess.Popen[bytes]:
        return self._start("worker", self.address, "--nthreads", "1", "--no-nanny", *QUIET)

    def _kill(self) -> None:
        """Kill a worker at every turn, the scheduler at the third, and start what has ended."""
        turn, due = 0, time.monotonic() + self._every
        while not self._over.wait(0.5):
            if self._scheduler.poll() is not None:
                self._scheduler = self._begin()
            self._workers = [
                worker if worker.poll() is None else self._worker() for worker in self._workers
            ]
            if time.monotonic() < due:
                continue
            turn, due = turn + 1, time.monotonic() + self._every
            self._workers[turn % WORKERS].send_signal(signal.SIGKILL)
            self.killed += 1
            if turn == 3:
                self._scheduler.send_signal(signal.SIGKILL)
                self._scheduler.wait()
                self.restarted += 1


def make_scenes(folder: Path, home: Path, count: int) -> Path:
    """Links to so many images."""
    home.mkdir()
    for number, path in enumerate(find_scenes([folder])[:count]):
        (home / f"{number:05}{path.suffix}").symlink_to(path)
    return home


def make_raster(home: Path, side: int) -> None:
    """A COG of real tiles, repeated, so many pixels high and wide."""
    images = [cv2.imread(str(path), cv2.IMREAD_COLOR_RGB) for path in find_scenes([home])[:400:2]]
    tiles = [
        image[:256, :256] for image in images if image is not None and min(image.shape[:2]) >= 256
    ]
    rng = np.random.default_rng(0)
    place = from_origin(500_000, 5_000_000, 1, 1)
    with rasterio.open(
        home / "large.tif", "w", driver="COG", height=side, width=side, count=3, dtype="uint8",
        crs="EPSG:32633", transform=place, compress="JPEG", overviews="NONE", blocksize=512,
    ) as file:  # fmt: skip
        for top in range(0, side, 256):
            many = -(-side // 256)
            strip = np.concatenate([tiles[one] for one in rng.integers(0, len(tiles), many)], 1)
            strip = strip[: min(256, side - top), :side]
            file.write(np.moveaxis(strip, 2, 0), window=Window(0, top, side, len(strip)))


def makespan(times: list[float], count: int, own: float) -> float:
    """When the last of so many workers ends, each taking the next task when it is free.

    own: what the scheduler needs for each task; it does one after another.
    """
    free = [0.0] * count
    given = 0.0
    for seconds in times:
        given = max(given + own, free[0])
        heapq.heapreplace(free, given + seconds)
    return max(free)


@contextlib.contextmanager
def object_server() -> Iterator[str]:
    """The address of a bucket of moto's server, in a process of its own."""
    import boto3

    port = free_port()
    code = f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{port}'])"
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, "-c", code], stdout=quiet, stderr=quiet)
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
    }
    try:
        wait_for(port)
        boto3.client("s3").create_bucket(Bucket="archive")
        yield "s3://archive"
    finally:
        process.kill()
        process.wait()


def alone_parts(home: Path) -> list[Path]:
    """Where one process has put parts."""
    return [path.relative_to(home / "alone") for path in (home / "alone").glob("parts/*/*")]


def parts_of(out: Path) -> dict[str, bytes]:
    """The parts of an archive, by their names."""
    return {path.name: path.read_bytes() for path in sorted(out.glob("parts/*/[!.]*"))}


def codes_of(path: Path) -> bytes:
    """All codes of a store, in the order of rows."""
    with scenehash.CodeStore.open(path) as store:
        return b"".join(codes.tobytes() for _, codes in store.scenes())


def wait_for(port: int) -> None:
    """Wait until something listens on loopback."""
    until = time.monotonic() + 120
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        if time.monotonic() > until:
            raise TimeoutError("the server does not listen")
        time.sleep(0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

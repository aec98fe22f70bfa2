"""How long is it from a complete file to its event, and is a scene ever lost or reported twice?

python benchmarks/watch.py [--scenes 200] [--kills 10] [--seconds 60] [--settle 2] [--done-mark]

Scenes are dropped into a folder at random times: renamed into place, copied, copied slowly, or
broken. scenehash watch is killed (SIGKILL) and started again at random times meanwhile. The floor
of a latency is the settle time, or nothing for a file that was written before it was renamed.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from scenehash import CodeStore
from scenehash.demo.tiles import KINDS, demo_tiles

COMMAND = [sys.executable, "-c", "from scenehash.cli.main import main; main()"]
WAYS = ["renamed"] * 6 + ["copied"] * 8 + ["slowly"] * 4 + ["broken"] * 2
PIECES, PIECE_SECONDS = 10, 0.15
ROTATE_MEGABYTES = 0.05


@dataclass(frozen=True)
class Rehearsal:
    """How many scenes arrive in how many seconds, how often the watch is killed, and its settings.

    settle: seconds. marks: a file is complete when there is a mark beside it.
    """

    scenes: int
    kills: int
    seconds: float
    settle: float
    marks: bool = False
    seed: int = 0


@dataclass
class Outcome:
    """What was dropped, and what came of it.

    complete: when each good file was, by path. broken: the paths of the others. seen: when each
    event was first to be read, with the event. stored, quarantined: paths. damage: see verify.
    """

    complete: dict[str, float] = field(default_factory=dict)
    ways: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    seen: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    status: int | None = None

    def reported(self, kind: str) -> Counter[str]:
        """How many events of a kind there are of each path."""
        return Counter(event["scene"] for _, event in self.seen if event["kind"] == kind)

    def latencies(self, way: str) -> list[float]:
        """Seconds from a complete file to its event, of the files that came in a way."""
        first = {
            event["scene"]: at for at, event in reversed(self.seen) if event["kind"] == "scene"
        }
        return [
            first[path] - at
            for path, at in self.complete.items()
            if self.ways[path] == way and path in first
        ]


def rehearse(plan: Rehearsal, root: Path, patience: float = 120) -> Outcome:
    """Let scenes arrive in a folder under root while a watch is killed and started again."""
    rng = random.Random(plan.seed)
    outcome, folder = Outcome(), root / "in"
    folder.mkdir()
    drops = list(_drops(plan, rng, folder, outcome))
    kills = sorted(rng.uniform(1, plan.seconds) for _ in range(plan.kills))
    ended = threading.Event()
    reader = threading.Thread(target=_read, args=(root / "events.jsonl", outcome, ended))
    reader.start()
    started = time.monotonic()
    for drop in drops:
        drop.start()
    process = _start(plan, root)
    for kill in kills:
        time.sleep(max(0.0, started + kill - time.monotonic()))
        process.kill()
        process.wait()
        process = _start(plan, root)
    for drop in drops:
        drop.join()
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        reported = outcome.reported("scene").keys() | outcome.reported("set_aside").keys()
        if outcome.complete.keys() | outcome.broken <= reported:
            break
        time.sleep(0.1)
    # Long enough for an event that should not come.
    time.sleep(1 + plan.settle)
    process.send_signal(signal.SIGTERM)
    outcome.status = process.wait()
    ended.set()
    reader.join()
    with CodeStore.open(root / "s") as store:
        outcome.stored = [record.path for record, _ in store.scenes()]
        outcome.quarantined = [item.path for item in store.quarantine.list()]
        outcome.damage = store.verify()
    return outcome


def _start(plan: Rehearsal, root: Path) -> "subprocess.Popen[bytes]":
    options = ["--settle", str(plan.settle), "--rotate-mb", str(ROTATE_MEGABYTES), "--keep", "999"]
    marks = ["--done-mark"] if plan.marks else []
    where = [str(root / "in"), "--store", str(root / "s"), "--events", str(root / "events.jsonl")]
    return subprocess.Popen(
        [*COMMAND, "watch", *where, *options, *marks, "--threads", "1"],
        stdout=subprocess.DEVNULL,
        stderr=(root / "said").open("ab"),
    )


def _drops(
    plan: Rehearsal, rng: random.Random, folder: Path, outcome: Outcome
) -> Iterator[threading.Timer]:
    for number in range(plan.scenes):
        way = rng.choice(WAYS)
        suffix = rng.choice([".png", ".jpg"])
        data = cv2.imencode(suffix, _picture(number))[1].tobytes()
        path = folder / f"{number:04}_{way}{suffix}"
        if way == "broken":
            data = rng.choice([b"", b"these are words", data[: len(data) // 2]])
            outcome.broken.add(str(path))
        outcome.ways[str(path)] = way
        yield threading.Timer(
            rng.uniform(0, plan.seconds), _drop, (path, data, way, plan.marks, outcome)
        )


def _picture(number: int) -> npt.NDArray[np.uint8]:
    """A tile of the demo, moved sideways so that each number has pixels of its own."""
    tiles = demo_tiles(KINDS[number % len(KINDS)])
    return np.roll(tiles[number // len(KINDS) % len(tiles)], number, axis=1)[:, :, ::-1]


def _drop(path: Path, data: bytes, way: str, marks: bool, outcome: Outcome) -> None:
    """Put a file into a folder, in one of the ways in which files are put there."""
    if way == "renamed":
        partial = path.with_name(path.name + ".part")
        partial.write_bytes(data)
        partial.rename(path)
    elif way == "slowly":
        with path.open("wb", buffering=0) as file:
            size = len(data) // PIECES + 1
            for start in range(0, len(data), size):
                file.write(data[start : start + size])
                time.sleep(PIECE_SECONDS)
    else:
        path.write_bytes(data)
    if marks:
        path.with_name(path.name + ".done").touch()
    if way != "broken":
        outcome.complete[str(path)] = time.time()


def _read(path: Path, outcome: Outcome, ended: threading.Event) -> None:
    """Read events as they are written, through renamings: a file is known by its inode."""
    offsets: dict[int, int] = {}
    last = False
    while not last:
        last = ended.wait(0.01)
        for file in sorted(path.parent.glob(f"{path.name}*"), key=_age):
            try:
                with file.open("rb") as opened:
                    inode = os.fstat(opened.fileno()).st_ino
                    opened.seek(offsets.get(inode, 0))
                    data = opened.read()
            except FileNotFoundError:
                continue
            whole = data.rfind(b"\n") + 1
            offsets[inode] = offsets.get(inode, 0) + whole
            for line in data[:whole].splitlines():
                outcome.seen.append((time.time(), json.loads(line)))


def _age(file: Path) -> int:
    return -int(file.suffix[1:]) if file.suffix[1:].isdecimal() else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--settle", type=float, default=2)
    parser.add_argument("--done-mark", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    plan = Rehearsal(
        given.scenes, given.kills, given.seconds, given.settle, given.done_mark, given.seed
    )
    with tempfile.TemporaryDirectory(dir=".") as folder:
        outcome = rehearse(plan, Path(folder).absolute())
    scenes, aside = outcome.reported("scene"), outcome.reported("set_aside")
    good = outcome.complete.keys()
    print(f"{plan}")
    print(f"good scenes {len(good)}, broken {len(outcome.broken)}, watch ended {outcome.status}")
    print(
        f"stored once {len(set(outcome.stored))} of {len(outcome.stored)}, "
        f"reported once {sum(count == 1 for count in scenes.values())} of {sum(scenes.values())}, "
        f"missing {len(good - scenes.keys())}"
    )
    print(
        f"in quarantine {len(outcome.quarantined)}, set aside once "
        f"{sum(aside[path] == 1 for path in outcome.broken)}, good ones set aside for a while "
        f"{len(aside.keys() - outcome.broken)}, damage {outcome.damage}"
    )
    print("| way | scenes | p50 s | p95 s | most s |\n| --- | --- | --- | --- | --- |")
    for way in ("renamed", "copied", "slowly"):
        seconds = np.array(outcome.latencies(way) or [np.nan])
        p50, p95 = np.percentile(seconds, (50, 95))
        print(f"| {way} | {len(seconds)} | {p50:.2f} | {p95:.2f} | {seconds.max():.2f} |")


if __name__ == "__main__":
    main()

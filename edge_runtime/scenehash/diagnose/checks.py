"""Checks of a machine; each is about one thing."""

import contextlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from scenehash.errors import TrustError, extras_remedy
from scenehash.model.golden import Drift
from scenehash.trust import Verifier

from .hardware import Machine

Verdict = Literal["good", "note", "warning", "bad"]

MEGABYTE = 1_000_000
# The peak memory of an ingest with the shipped model, and a reserve.
MEMORY_NEEDED, MEMORY_WANTED = 350 * MEGABYTE, 600 * MEGABYTE
DISK_NEEDED, DISK_WANTED = 20 * MEGABYTE, 500 * MEGABYTE
HOT = 80.0
# The same as in pyproject.toml, which a manual install (docs/deployment.md, OpenCV) may ignore.
LEAST_ONNXRUNTIME = "1.27"
X86, ARM = frozenset({"x86_64", "AMD64"}), frozenset({"aarch64", "arm64"})
VNNI = frozenset({"avx512_vnni", "avx_vnni"})


@dataclass(frozen=True)
class Finding:
    """The result of a check: bad means that scenehash should not be used here."""

    check: str
    verdict: Verdict
    what: str
    remedy: str = ""


def check_codes(drift: Drift) -> Finding:
    """Golden tiles must give the same codes as on the machine that made the model."""
    total = 8 * drift.expected.size
    what = f"{drift.bits} of {total} bits of {len(drift.names)} golden tiles differ"
    what += f"; logits by at most {drift.logit_error:.2g}"
    if drift.rule == "identical":
        return Finding("codes", "good", f"identical: {what}")
    if drift.rule == "tolerable":
        tiles = ", ".join(drift.drifted())
        remedy = "search works; if you can, hash all scenes of a store on one kind of machine"
        return Finding("codes", "warning", f"tolerable: {what} (in {tiles})", remedy)
    remedy = "use an FP32 export here, or another onnxruntime version"
    return Finding("codes", "bad", f"refused: {what}", remedy)


def check_processor(machine: Machine) -> Finding:
    """The available instructions that make INT8 faster."""
    name = f"{machine.processor}, {machine.cores} {'core' if machine.cores == 1 else 'cores'}"
    if machine.architecture in X86:
        if machine.features & VNNI:
            return Finding("processor", "good", f"{name}, with VNNI")
        if "avx2" in machine.features:
            return Finding("processor", "good", f"{name}, with AVX2, without VNNI")
        return Finding("processor", "warning", f"{name}, without AVX2: not tested")
    if machine.architecture in ARM:
        word = "with" if "asimddp" in machine.features else "without"
        return Finding("processor", "good", f"{name}, {word} dot product instructions")
    return Finding("processor", "warning", f"{name}: {machine.architecture} is not tested")


def check_precision(machine: Machine, precision: str) -> Finding:
    """Whether a model of a precision, "int8" or "fp32", may be slower here than another export."""
    compare = "compare with an FP32 export of the same run: scenehash bench --other FP32.onnx"
    if precision != "int8":
        faster = _int8_gain(machine) is not None
        remedy = "an INT8 export of the same run is faster here" if faster else ""
        return Finding("precision", "note" if faster else "good", f"{precision} model", remedy)
    gain = _int8_gain(machine)
    if gain is None:
        return Finding("precision", "warning", "INT8 may be slower than FP32 here", compare)
    return Finding("precision", "good", f"INT8 is faster than FP32 here: {gain}")


def _int8_gain(machine: Machine) -> str | None:
    """The known gain of INT8 over FP32 on a kind of processor; None if INT8 may be slower.

    Times of one tile on x86, and counts of instructions under emulation on ARM.
    """
    if machine.architecture in X86:
        if machine.features & VNNI:
            return "VNNI adds four products at once"
        return "about 0.7 of the time" if "avx2" in machine.features else None
    if machine.architecture in ARM:
        if "asimddp" in machine.features:
            return "about 0.3 of the instructions"
        return "about half of the instructions, without dot products"
    return None


def check_onnxruntime(machine: Machine) -> Finding:
    """Older versions check less of a model file; 1.21.0 fails on some ARM boards."""
    if _version(machine.onnxruntime) >= _version(LEAST_ONNXRUNTIME):
        return Finding("onnxruntime", "good", machine.onnxruntime)
    return Finding(
        "onnxruntime",
        "bad",
        f"{machine.onnxruntime}: scenehash needs {LEAST_ONNXRUNTIME} or newer",
        f"pip install 'onnxruntime>={LEAST_ONNXRUNTIME}'",
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


def check_opencv(machine: Machine) -> Finding:
    """All builds of OpenCV are one package `cv2`: the last installed one overwrites the others."""
    if len(machine.opencv) > 1:
        builds = " ".join(machine.opencv)
        return Finding(
            "opencv",
            "bad",
            f"{len(machine.opencv)} builds lie over each other: {builds}",
            f"pip uninstall {builds}; then install the one that you want",
        )
    return Finding("opencv", "good", " ".join(machine.opencv) or "not from a package")


def check_sqlite(machine: Machine) -> Finding:
    """SQLite 3.7.0 to 3.51.2 can damage a database in WAL mode: sqlite.org/wal.html#walresetbug.

    Fixed in 3.51.3, and in 3.50.7 and 3.44.6 of the older lines.
    """
    found = tuple(int(part) for part in machine.sqlite.split("."))
    fixed = (3, 44, 6) <= found < (3, 45) or (3, 50, 7) <= found < (3, 51) or found >= (3, 51, 3)
    if fixed:
        return Finding("sqlite", "good", machine.sqlite)
    return Finding(
        "sqlite",
        "note",
        f"{machine.sqlite} has the WAL-reset bug, unless the system's vendor has fixed it: two "
        "connections that write at once may damage the catalog. scenehash itself uses only one",
        "let no other program write to catalog.sqlite; use SQLite 3.51.3, 3.50.7, 3.44.6 or newer",
    )


def check_extras(machine: Machine) -> Finding:
    """The optional parts that are not installed."""
    missing = machine.missing_extras
    if not missing:
        return Finding("extras", "good", "all optional parts are installed")
    named = (f"{name} ({use})" if use else name for name, use in missing.items())
    remedy = f"{extras_remedy(*missing)}, or with the extras that you need"
    return Finding("extras", "note", f"not installed: {', '.join(named)}", remedy)


def check_trust(path: Path | None = None, now: datetime | None = None) -> Finding:
    """Whose models and bundles this machine accepts. path: of the trusted state."""
    try:
        verifier = Verifier(path)
    except TrustError as error:
        return Finding("trust", "bad", str(error))
    if not verifier.has_keys:
        return Finding(
            "trust",
            "note",
            "no keys: this machine accepts models and bundles from anyone",
            "to accept only signed files: scenehash trust add KEY.pub (docs/trust.md)",
        )
    good = []
    for key in verifier.state.keys:
        with contextlib.suppress(TrustError):
            good.append(verifier.check_key(key, now).name)
    what = f"{len(good)} of {len(verifier.state.keys)} keys are neither revoked nor expired"
    if not good:
        remedy = "add a newer key: scenehash trust add KEY.pub"
        return Finding("trust", "warning", f"{what}: no new file is accepted", remedy)
    return Finding("trust", "good", f"{what}: {', '.join(good)}")


def check_memory(machine: Machine) -> Finding:
    """Ingest holds a scene, the model and its buffers."""
    if machine.memory_free is None:
        return Finding("memory", "note", "the system does not report the free memory")
    what = f"{machine.memory_free / MEGABYTE:,.0f} MB free"
    if machine.memory_free < MEMORY_NEEDED:
        needed = f"an ingest takes {MEMORY_NEEDED / MEGABYTE:.0f} MB"
        return Finding("memory", "bad", f"{what}; {needed}", "end other programs, or add memory")
    if machine.memory_free < MEMORY_WANTED:
        return Finding("memory", "warning", f"{what}: little room for large scenes")
    return Finding("memory", "good", what)


def check_clock(machine: Machine) -> Finding:
    """A processor that is hot, underpowered or limited computes more slowly than its model."""
    clock = machine.clock
    if clock.throttled:
        return Finding(
            "clock",
            "warning",
            "the processor has throttled since the start (too hot, or a weak power supply)",
            "cool it, or use a stronger power supply; bench measures the sustained rate",
        )
    if machine.temperature is not None and machine.temperature >= HOT:
        return Finding(
            "clock", "warning", f"{machine.temperature:.0f} C: about to throttle", "cool it"
        )
    if clock.allowed and clock.highest and clock.allowed < 0.95 * clock.highest:
        what = f"held at {clock.allowed:,.0f} MHz of {clock.highest:,.0f}"
        return Finding("clock", "warning", what, "raise scaling_max_freq, or the power plan")
    if clock.governor == "powersave" and clock.highest and (clock.now or 0) < 0.5 * clock.highest:
        return Finding(
            "clock", "note", "governor powersave", "cpupower frequency-set -g performance"
        )
    speed = "the system does not report it" if clock.now is None else f"{clock.now:,.0f} MHz"
    heat = "" if machine.temperature is None else f", {machine.temperature:.0f} C"
    return Finding("clock", "good", speed + heat)


def check_disk(
    store: Path,
    writable: Callable[[Path], bool] = lambda path: os.access(path, os.W_OK),
    free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
) -> Finding:
    """The store's disk must have space; checks the nearest folder that exists."""
    folder = store.absolute()
    while not folder.exists():
        folder = folder.parent
    if not writable(folder):
        remedy = "mount it writable, or give another --store; search still works"
        return Finding("disk", "bad", f"{folder}: not writable", remedy)
    room = free(folder)
    what = f"{folder}: {room / MEGABYTE:,.0f} MB free"
    if room < DISK_NEEDED:
        return Finding("disk", "bad", f"{what}: full", "free some space; the store stays readable")
    if room < DISK_WANTED:
        return Finding("disk", "warning", what, "free some space before the disk is full")
    return Finding("disk", "good", what)


def check_machine(machine: Machine) -> list[Finding]:
    """All checks that need no model and no store."""
    checks = (
        check_processor,
        check_onnxruntime,
        check_opencv,
        check_sqlite,
        check_extras,
        check_memory,
        check_clock,
    )
    return [check(machine) for check in checks]

"""Is this machine fit, and do codes agree here? Each check looks at one thing."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scenehash.model.golden import Drift

from .hardware import Machine

Verdict = Literal["good", "note", "warning", "bad"]

MEGABYTE = 1_000_000
# Peak of an ingest with the shipped model, and what it should have beside that.
MEMORY_NEEDED, MEMORY_WANTED = 350 * MEGABYTE, 600 * MEGABYTE
DISK_NEEDED, DISK_WANTED = 20 * MEGABYTE, 500 * MEGABYTE
HOT = 80.0
FAULTY_ON_ARM = frozenset({"1.21.0"})


@dataclass(frozen=True)
class Finding:
    """What a check found: bad means that scenehash should not be used so."""

    check: str
    verdict: Verdict
    what: str
    remedy: str = ""


def check_codes(drift: Drift) -> Finding:
    """Golden tiles must give the codes that they gave where the model was made."""
    total = 8 * drift.expected.size
    what = f"{drift.bits} of {total} bits of {len(drift.names)} golden tiles differ"
    what += f"; logits by at most {drift.logit_error:.2g}"
    if drift.rule == "identical":
        return Finding("codes", "good", f"identical: {what}")
    if drift.rule == "tolerable":
        tiles = ", ".join(drift.drifted())
        remedy = "search works; hash all of one store on one kind of machine where you can"
        return Finding("codes", "warning", f"tolerable: {what} (in {tiles})", remedy)
    remedy = "use an FP32 export here, or another onnxruntime version"
    return Finding("codes", "bad", f"refused: {what}", remedy)


def check_processor(machine: Machine) -> Finding:
    """INT8 needs the instructions that multiply bytes and add them up in 32 bits."""
    name = f"{machine.processor}, {machine.cores} cores"
    if machine.architecture in ("x86_64", "AMD64"):
        if machine.features & {"avx512_vnni", "avx_vnni"}:
            return Finding("processor", "good", f"{name}, with VNNI")
        return Finding(
            "processor",
            "warning",
            f"{name}, without VNNI: pairs of u8 x s8 products overflow 16 bits there; where "
            "codes drift for it, onnxruntime is asked for its exact path, which is slower",
            "see 'codes' for whether they agree; compare with an FP32 export: scenehash bench",
        )
    if machine.architecture in ("aarch64", "arm64"):
        if "asimddp" in machine.features:
            return Finding("processor", "good", f"{name}, with dot product instructions")
        return Finding(
            "processor",
            "note",
            f"{name}, without dot product instructions (as on a Raspberry Pi 4): INT8 is slower",
            "compare with an FP32 export by: scenehash bench",
        )
    return Finding("processor", "warning", f"{name}: {machine.architecture} was never tried")


def check_onnxruntime(machine: Machine) -> Finding:
    """Some versions have a known fault."""
    if machine.onnxruntime in FAULTY_ON_ARM:
        on_arm = machine.architecture in ("aarch64", "arm64")
        return Finding(
            "onnxruntime",
            "bad" if on_arm else "note",
            f"{machine.onnxruntime}, which fails on some ARM boards",
            "pip install 'onnxruntime>=1.20,!=1.21.0'",
        )
    return Finding("onnxruntime", "good", machine.onnxruntime)


def check_opencv(machine: Machine) -> Finding:
    """All builds of OpenCV are one package `cv2`: the one installed last lies over the others."""
    if len(machine.opencv) > 1:
        builds = " ".join(machine.opencv)
        return Finding(
            "opencv",
            "bad",
            f"{len(machine.opencv)} builds lie over each other: {builds}",
            f"pip uninstall {builds}; then install the one that you want",
        )
    return Finding("opencv", "good", " ".join(machine.opencv) or "not from a package")


def check_memory(machine: Machine) -> Finding:
    """Ingest holds a scene, the model and its buffers."""
    if machine.memory_free is None:
        return Finding("memory", "note", "the system does not tell how much is free")
    what = f"{machine.memory_free / MEGABYTE:,.0f} MB free"
    if machine.memory_free < MEMORY_NEEDED:
        needed = f"an ingest takes {MEMORY_NEEDED / MEGABYTE:.0f} MB"
        return Finding("memory", "bad", f"{what}; {needed}", "end other programs, or add memory")
    if machine.memory_free < MEMORY_WANTED:
        return Finding("memory", "warning", f"{what}: little room for large scenes")
    return Finding("memory", "good", what)


def check_clock(machine: Machine) -> Finding:
    """A processor that is hot, starved or capped computes slower than its name says."""
    clock = machine.clock
    if clock.throttled:
        return Finding(
            "clock",
            "warning",
            "the processor has throttled since it was started (heat, or too weak a power supply)",
            "cool it, or give it a stronger supply; bench says what it sustains",
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
    told = "the machine does not tell" if clock.now is None else f"{clock.now:,.0f} MHz"
    heat = "" if machine.temperature is None else f", {machine.temperature:.0f} C"
    return Finding("clock", "good", told + heat)


def check_disk(
    store: Path,
    writable: Callable[[Path], bool] = lambda path: os.access(path, os.W_OK),
    free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
) -> Finding:
    """The store's disk must take what is written; its nearest folder that exists is asked."""
    place = store.absolute()
    while not place.exists():
        place = place.parent
    if not writable(place):
        remedy = "mount it writable, or give another --store; searching works as it is"
        return Finding("disk", "bad", f"{place}: nothing can be written there", remedy)
    room = free(place)
    what = f"{place}: {room / MEGABYTE:,.0f} MB free"
    if room < DISK_NEEDED:
        return Finding("disk", "bad", f"{what}: full", "make room; what is stored stays readable")
    if room < DISK_WANTED:
        return Finding("disk", "warning", what, "make room before it is full")
    return Finding("disk", "good", what)


def check_machine(machine: Machine) -> list[Finding]:
    """All checks that need no model and no store."""
    checks = (check_processor, check_onnxruntime, check_opencv, check_memory, check_clock)
    return [check(machine) for check in checks]

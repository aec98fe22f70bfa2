"""Facts about the machine, from Linux without privileges.

On other systems most of them are not known.
"""

import os
import platform
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from .extras import is_installed, missing_extras

SYSTEM = Path("/")
OPENCV_BUILDS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


@dataclass(frozen=True)
class Clock:
    """Of the first core, in MHz; None if not known."""

    now: float | None
    allowed: float | None
    highest: float | None
    throttled: int = 0
    governor: str | None = None


@dataclass(frozen=True)
class Machine:
    """The facts. Memory in bytes, temperature in degrees Celsius; None: not known.

    missing_extras: optional parts of scenehash that are not installed, and their uses.
    """

    architecture: str
    processor: str
    features: frozenset[str]
    cores: int
    memory: int | None
    memory_free: int | None
    clock: Clock
    temperature: float | None
    onnxruntime: str
    opencv: tuple[str, ...]
    python: str
    sqlite: str
    missing_extras: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """The facts as plain values; of the features only those that affect INT8's speed."""
        known = {"avx2", "avx512_vnni", "avx_vnni", "asimddp", "i8mm"}
        return asdict(self) | {
            "features": sorted(self.features & known),
            "opencv": list(self.opencv),
            "missing_extras": sorted(self.missing_extras),
        }


def read_machine(system: Path = SYSTEM) -> Machine:
    """Read the facts; system: the folder of /proc and /sys."""
    cpuinfo = _text(system / "proc/cpuinfo") or ""
    memory, free = read_memory(system)
    return Machine(
        architecture=platform.machine(),
        processor=_field(cpuinfo, "model name") or _field(cpuinfo, "Model") or platform.machine(),
        features=frozenset((_field(cpuinfo, "flags") or _field(cpuinfo, "Features") or "").split()),
        cores=_cores(),
        memory=memory,
        memory_free=free,
        clock=read_clock(system),
        temperature=read_temperature(system),
        onnxruntime=metadata.version("onnxruntime"),
        opencv=tuple(name for name in OPENCV_BUILDS if is_installed(name)),
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        missing_extras=missing_extras(),
    )


def read_memory(system: Path = SYSTEM) -> tuple[int | None, int | None]:
    """Total and free memory in bytes, within the limit of this process's control group."""
    meminfo = _text(system / "proc/meminfo") or ""
    total, free = (_kilobytes(meminfo, name) for name in ("MemTotal", "MemAvailable"))
    group = system / "sys/fs/cgroup"
    limit, used = _number(group / "memory.max"), _number(group / "memory.current")
    if limit is not None and (total is None or limit < total):
        room = None if used is None else int(limit - used)
        rooms = [amount for amount in (free, room) if amount is not None]
        return int(limit), min(rooms, default=None)
    return total, free


def read_clock(system: Path = SYSTEM) -> Clock:
    """Clock and throttling; a Raspberry Pi has a separate file for throttling."""
    core = system / "sys/devices/system/cpu/cpu0"
    kilohertz = {
        name: _number(core / "cpufreq" / f"{file}_freq")
        for name, file in (
            ("now", "scaling_cur"),
            ("allowed", "scaling_max"),
            ("highest", "cpuinfo_max"),
        )
    }
    clock = {name: None if value is None else value / 1000 for name, value in kilohertz.items()}
    if clock["now"] is None:
        megahertz = _field(_text(system / "proc/cpuinfo") or "", "cpu MHz")
        clock["now"] = None if megahertz is None else float(megahertz)
    counted = _number(core / "thermal_throttle/core_throttle_count") or 0
    firmware = _text(system / "sys/devices/platform/soc/soc:firmware/get_throttled")
    # Bits 0-3 of the firmware's word are what is the matter now: low voltage, cap, throttle, heat.
    now = int(firmware, 16) & 0xF if firmware else 0
    governor = _text(core / "cpufreq/scaling_governor")
    return Clock(**clock, throttled=int(counted) + now, governor=governor)


def read_temperature(system: Path = SYSTEM) -> float | None:
    """The hottest sensor of the kernel, in degrees Celsius."""
    zones = sorted((system / "sys/class/thermal").glob("thermal_zone*/temp"))
    found = [value / 1000 for zone in zones if (value := _number(zone)) is not None]
    return max(found, default=None)


def read_energy(system: Path = SYSTEM) -> int | None:
    """The processor's energy counter in microjoules; None if there is none, or only for root."""
    packages = sorted((system / "sys/class/powercap").glob("intel-rapl:[0-9]*"))
    counters = [
        value
        for package in packages
        if package.name.count(":") == 1 and (value := _number(package / "energy_uj")) is not None
    ]
    return int(sum(counters)) if counters else None


def _cores() -> int:
    """Processors that this process may use; only Linux says which these are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip("\n\0 ")
    except (OSError, UnicodeDecodeError):
        return None


def _number(path: Path) -> float | None:
    text = _text(path)
    try:
        return None if text is None else float(text)
    except ValueError:  # such as "max", for no limit
        return None


def _field(text: str, name: str) -> str | None:
    found = re.search(rf"^{re.escape(name)}\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else None


def _kilobytes(text: str, name: str) -> int | None:
    found = _field(text, name)
    return None if found is None else 1024 * int(found.split()[0])

"""The doctor knows the traps that ONNX on the edge is known for; each is set for it here."""

import dataclasses
import json
import tomllib
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from scenehash import CodeStore, HashModel
from scenehash.cli.main import build_app
from scenehash.diagnose.checks import (
    LEAST_ONNXRUNTIME,
    MEGABYTE,
    check_clock,
    check_codes,
    check_disk,
    check_extras,
    check_machine,
    check_memory,
    check_onnxruntime,
    check_opencv,
    check_precision,
    check_processor,
    check_sqlite,
)
from scenehash.diagnose.extras import USES, WORKSTATION, missing_extras
from scenehash.diagnose.hardware import Clock, Machine, read_energy, read_machine
from scenehash.model.golden import Drift
from scenehash.scenes import Window
from scenehash.store import HashedScene

FIT = Machine(
    architecture="x86_64",
    processor="a processor",
    features=frozenset({"avx2", "avx512_vnni"}),
    cores=4,
    memory=4000 * MEGABYTE,
    memory_free=3000 * MEGABYTE,
    clock=Clock(now=2400.0, allowed=2400.0, highest=2400.0),
    temperature=50.0,
    onnxruntime="1.32.0",
    opencv=("opencv-python-headless",),
    python="3.11.2",
    sqlite="3.51.3",
    missing_extras={},
)
PI_4 = dataclasses.replace(FIT, architecture="aarch64", features=frozenset({"asimd", "crc32"}))
PI_5 = dataclasses.replace(PI_4, features=PI_4.features | {"asimddp"})


def machine(**facts: Any) -> Machine:
    return dataclasses.replace(FIT, **facts)


def test_fit_machine_has_nothing_said_against_it() -> None:
    assert {finding.verdict for finding in check_machine(FIT)} == {"good"}


@pytest.mark.parametrize(
    ("features", "verdict", "found"),
    [
        ({"avx2", "avx512_vnni"}, "good", "with VNNI"),
        ({"avx2"}, "good", "without VNNI"),
        ({"sse4_2"}, "warning", "without AVX2"),
    ],
)
def test_instructions_of_an_x86_processor_are_named(
    features: set[str], verdict: str, found: str
) -> None:
    finding = check_processor(machine(features=frozenset(features)))
    assert finding.verdict == verdict
    assert found in finding.what


def test_arm_says_whether_there_are_dot_products_and_others_were_never_tried() -> None:
    assert "without dot product" in check_processor(PI_4).what
    assert "with dot product" in check_processor(PI_5).what
    assert check_processor(machine(architecture="riscv64")).verdict == "warning"


@pytest.mark.parametrize(
    ("facts", "slower"),
    [
        ({}, False),
        ({"features": frozenset({"avx2"})}, False),
        ({"features": frozenset({"sse4_2"})}, True),
        ({"architecture": "riscv64"}, True),
        ({"architecture": "aarch64", "features": frozenset({"asimd"})}, False),
        ({"architecture": "aarch64", "features": frozenset({"asimddp"})}, False),
    ],
)
def test_it_is_said_where_int8_may_be_slower_than_fp32(
    facts: dict[str, object], slower: bool
) -> None:
    finding = check_precision(machine(**facts), "int8")
    assert (finding.verdict == "warning") == slower
    assert ("INT8 may be slower than FP32" in finding.what) == slower
    assert ("scenehash bench --other" in finding.remedy) == slower
    assert check_precision(machine(**facts), "fp32").verdict in ("good", "note")


@pytest.mark.parametrize(
    ("version", "sound"),
    [
        ("3.40.1", False),
        ("3.44.5", False),
        ("3.44.6", True),
        ("3.45.0", False),
        ("3.46.1", False),
        ("3.50.6", False),
        ("3.50.7", True),
        ("3.51.2", False),
        ("3.51.3", True),
        ("3.53.0", True),
    ],
)
def test_sqlite_whose_wal_may_be_damaged_is_named(version: str, sound: bool) -> None:
    finding = check_sqlite(machine(sqlite=version))
    assert (finding.verdict == "good") == sound
    assert version in finding.what
    assert ("WAL-reset bug" in finding.what) != sound


def test_missing_extras_are_named_with_what_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = check_extras(machine(missing_extras={"geo": "rasters", "link": ""}))
    assert finding.verdict == "note"
    assert "geo (rasters), link" in finding.what
    assert (
        "extras geo,link (in the folder of its source: pip install '.[geo,link]')" in finding.remedy
    )
    monkeypatch.setattr("scenehash.diagnose.extras.is_installed", lambda name: name != "rasterio")
    assert missing_extras() == {"geo": USES["geo"]}


def test_every_extra_of_the_device_is_known() -> None:
    provided = set(metadata("scenehash").get_all("Provides-Extra") or ())
    assert provided - WORKSTATION == set(USES)


@pytest.mark.parametrize(
    ("version", "verdict"),
    [("1.21.0", "bad"), ("1.26.9", "bad"), ("1.27.0", "good"), ("1.100.1", "good")],
)
def test_an_onnxruntime_older_than_what_is_needed_is_bad(version: str, verdict: str) -> None:
    finding = check_onnxruntime(machine(onnxruntime=version))
    assert finding.verdict == verdict
    assert version in finding.what
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert f"onnxruntime>={LEAST_ONNXRUNTIME}" in project["project"]["dependencies"]


def test_two_builds_of_opencv_are_bad_and_named() -> None:
    found = check_opencv(machine(opencv=("opencv-python", "opencv-python-headless")))
    assert found.verdict == "bad"
    assert "pip uninstall opencv-python opencv-python-headless" in found.remedy


@pytest.mark.parametrize(
    ("megabytes", "verdict"), [(100, "bad"), (450, "warning"), (2000, "good"), (None, "note")]
)
def test_memory(megabytes: int | None, verdict: str) -> None:
    free = None if megabytes is None else megabytes * MEGABYTE
    assert check_memory(machine(memory_free=free)).verdict == verdict


@pytest.mark.parametrize(
    ("clock", "temperature", "verdict"),
    [
        (Clock(2400, 2400, 2400, throttled=3), 50.0, "warning"),
        (Clock(2400, 2400, 2400), 85.0, "warning"),
        (Clock(1200, 1200, 2400), 50.0, "warning"),
        (Clock(600, 2400, 2400, governor="powersave"), None, "note"),
        (Clock(None, None, None), None, "good"),
    ],
)
def test_clock_that_is_held_back(clock: Clock, temperature: float | None, verdict: str) -> None:
    assert check_clock(machine(clock=clock, temperature=temperature)).verdict == verdict


def test_store_disk_that_is_read_only_or_full(tmp_path: Path) -> None:
    store = tmp_path / "not" / "yet.store"
    assert check_disk(store).verdict == "good"
    assert check_disk(store, writable=lambda _: False).verdict == "bad"
    assert check_disk(store, free=lambda _: 1000).verdict == "bad"
    assert check_disk(store, free=lambda _: 100 * MEGABYTE).verdict == "warning"


def _drift(bits: int) -> Drift:
    expected = np.zeros((4, 8), np.uint8)
    got = np.packbits(np.arange(256) < bits).reshape(4, 8)
    return Drift(("one", "two", "three", "four"), expected, got, 0.1)


@pytest.mark.parametrize(
    ("bits", "rule", "verdict"),
    [(0, "identical", "good"), (5, "tolerable", "warning"), (6, "refuse", "bad")],
)
def test_drift_has_a_rule(bits: int, rule: str, verdict: str) -> None:
    assert _drift(bits).rule == rule
    assert check_codes(_drift(bits)).verdict == verdict


def test_rows_that_a_drifted_bit_moves_are_named() -> None:
    found = {0: [3, 4, 5, 6], 128: [3, 5, 4, 7]}
    moved = _drift(1).rows_that_change_rank(lambda codes: [found[int(code[0])] for code in codes])
    assert moved == {"one": [4, 5, 6, 7]}


def test_shipped_model_gives_its_golden_codes_here() -> None:
    drift = HashModel.load().replay()
    assert drift.rule == "identical"
    assert drift.logit_error < 1e-3


def test_facts_are_read_from_the_system_and_absent_ones_are_none(tmp_path: Path) -> None:
    files = {
        "proc/cpuinfo": "model name\t: Some CPU\nflags\t\t: fpu avx2 avx_vnni\ncpu MHz : 1800.5\n",
        "proc/meminfo": "MemTotal:  4000 kB\nMemAvailable:  3000 kB\n",
        "sys/fs/cgroup/memory.max": "2048000\n",
        "sys/fs/cgroup/memory.current": "1024000\n",
        "sys/class/thermal/thermal_zone0/temp": "61500\n",
        "sys/class/powercap/intel-rapl:0/energy_uj": "123\n",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "0x50005\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = read_machine(tmp_path)
    assert (found.processor, found.temperature) == ("Some CPU", 61.5)
    assert "avx_vnni" in found.features
    assert (found.memory, found.memory_free) == (2_048_000, 1_024_000)
    assert found.clock == Clock(now=1800.5, allowed=None, highest=None, throttled=5)
    assert read_energy(tmp_path) == 123
    empty = read_machine(tmp_path / "nothing")
    assert (empty.memory, empty.temperature, empty.clock.now) == (None, None, None)
    assert read_energy(tmp_path / "nothing") is None


def examine(store: Path) -> tuple[int, dict[str, Any]]:
    """The exit status of the command, and its findings by check."""
    result = CliRunner().invoke(build_app(), ["doctor", "--store", str(store), "--json"])
    document = json.loads(result.stdout)
    assert document["rule"] == "identical"
    assert result.exit_code == (0 if document["fit"] else 1)
    return result.exit_code, {finding["check"]: finding for finding in document["findings"]}


def test_command_gives_one_json_document_and_says_what_the_store_is(tmp_path: Path) -> None:
    model = HashModel.load()
    CodeStore.create(tmp_path / "s", model.lineage, model.bits, "m").close()
    _, found = examine(tmp_path / "s")
    assert found["disk"]["verdict"] == found["store"]["verdict"] == "good"
    assert f"0 tiles of {model.bits} bits" in found["store"]["what"]


def test_a_store_that_is_not_there_or_not_of_this_model_is_bad(tmp_path: Path) -> None:
    CodeStore.create(tmp_path / "other", "0123456789abcdef", 64, "m").close()
    CodeStore.create(tmp_path / "damaged", HashModel.load().lineage, 64, "m").close()
    (tmp_path / "damaged" / "catalog.sqlite").write_bytes(b"no database" * 1000)
    for name, said in (
        ("nowhere", "no scenehash store here; make one with: scenehash ingest"),
        ("other", "name that model with --model"),
        ("damaged", "damaged"),
    ):
        status, found = examine(tmp_path / name)
        assert (status, found["store"]["verdict"]) == (1, "bad")
        assert said in found["store"]["what"]
        assert found["disk"]["verdict"] == "good"


def test_model_whose_codes_drift_is_bad_and_the_rows_that_move_are_told(tmp_path: Path) -> None:
    from ..model.wire import changed

    model = HashModel.load()
    first, *rest = model.card.golden
    expected = np.frombuffer(first.code, np.uint8)
    recorded = expected ^ np.packbits(np.arange(model.bits) < 5)
    card = {"golden": [first.model_copy(update={"code": recorded.tobytes()}), *rest]}
    path = changed(tmp_path / "m.onnx", card)
    store = tmp_path / "store"
    with CodeStore.create(store, model.lineage, model.bits, "m") as code_store:
        codes = np.stack([expected, recorded])
        scenes = [
            HashedScene(f"{row:032x}", f"/{row}", [Window(0, 0, 256, 256)], codes[row : row + 1])
            for row in range(2)
        ]
        code_store.add(scenes)
    arguments = ["doctor", "--model", str(path), "--store", str(store), "--json"]
    document = json.loads(CliRunner().invoke(build_app(), arguments).stdout)
    assert (document["rule"], document["bits_differ"]) == ("tolerable", 5)
    assert document["rows_that_change_rank"] == {first.name: [0, 1]}


def test_folder_that_not_even_root_may_write_to_is_found_out() -> None:
    assert check_disk(Path("/proc/nothing")).verdict == "bad"

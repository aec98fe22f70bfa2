"""scenehash.doctor: whether this machine can run scenehash, with the right codes."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scenehash.codes import Codes
from scenehash.engines import is_address
from scenehash.errors import StoreError
from scenehash.model.golden import Drift
from scenehash.model.hash_model import HashModel
from scenehash.model.model_file import model_path
from scenehash.store import CodeStore, model_of

from .checks import Finding, check_codes, check_disk, check_machine, check_precision, check_trust
from .engine_checks import check_engine
from .hardware import Machine, read_machine

NEAREST = 20


@dataclass(frozen=True)
class DoctorReport:
    """The result of doctor.

    drift: how the golden tiles of the model file differ here. rows_that_change_rank: by the name of
    a golden tile that drifted, the stored rows whose rank among its nearest 20 changes.
    """

    model: Path
    drift: Drift
    machine: Machine
    findings: Sequence[Finding]
    rows_that_change_rank: Mapping[str, Sequence[int]]

    @property
    def fit(self) -> bool:
        """Whether no finding is bad."""
        return all(finding.verdict != "bad" for finding in self.findings)

    def document(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "fit": self.fit,
            "model": str(self.model),
            "rule": self.drift.rule,
            "bits_differ": self.drift.bits,
            "bits": 8 * self.drift.expected.size,
            "rows_that_change_rank": dict(self.rows_that_change_rank),
            "findings": [asdict(finding) for finding in self.findings],
            "machine": self.machine.document(),
        }


def doctor(model: str | Path | None = None, store: str | Path | None = None) -> DoctorReport:
    """Check the machine, and replay the golden tiles of a model file.

    model: None means the model that the store keeps, or else the shipped model. store: a store
    whose model and disk are checked, or the address of an engine. Raises ModelError when model is
    not a model file.
    """
    path = model_path(model or _model_of(store))
    machine = read_machine()
    hash_model = HashModel.open(path)
    drift = hash_model.replay()
    findings = [
        check_codes(drift),
        check_precision(machine, hash_model.card.precision),
        Finding("licence", "note", hash_model.card.licence),
        *check_machine(machine),
        check_trust(),
    ]
    moved: Mapping[str, Sequence[int]] = {}
    if isinstance(store, str) and is_address(store):
        findings += check_engine(store, hash_model)
    elif store is not None:
        findings.append(check_disk(Path(store)))
        try:
            with CodeStore.open(store) as code_store:
                findings.append(check_store(code_store, hash_model))
                moved = _moved_rows(drift, code_store)
        except StoreError as error:
            findings.append(Finding("store", "bad", str(error)))
    return DoctorReport(path, drift, machine, findings, moved)


def _model_of(store: str | Path | None) -> Path | None:
    """The model file in a store; None if there is no readable one."""
    with contextlib.suppress(StoreError):
        return None if store is None or is_address(store) else model_of(store)
    return None


def check_store(store: CodeStore, model: HashModel) -> Finding:
    """A store must have codes of the model; StoreError if not."""
    store.check(model.lineage, model.width_for(store.bits))
    scenes, tiles = store.counts()
    what = f"{store.path}: {scenes:,} scenes, {tiles:,} tiles of {store.bits} bits, of this model"
    return Finding("store", "good", what)


def _moved_rows(drift: Drift, store: CodeStore) -> Mapping[str, Sequence[int]]:
    if not drift.bits:
        return {}

    def search(codes: Codes) -> list[list[int]]:
        return [[hit.row for hit in hits] for hits in store.search(codes, NEAREST)]

    return drift.rows_that_change_rank(search)

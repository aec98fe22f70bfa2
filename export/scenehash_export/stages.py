"""Results of an export's stages, kept in the run folder.

RUN/export-cache/KEY/graph.onnx, graph.json       the graph of the model file, and its calibration
RUN/export-cache/KEY/measured.json                fidelity, quality, golden tiles

The key is a hash over all that determines them. So an export that was interrupted, or that failed
its limits and is tried with others, does not compute them again. The folder may be deleted.
"""

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass
from importlib import metadata, resources
from pathlib import Path

import onnx
from pydantic import BaseModel, ValidationError

from scenehash.errors import InputError
from scenehash.files import write_bytes
from scenehash.model.card import CalibrationRecord, FidelityRecord, GoldenTile
from scenehash_train.runs import CONFIG, RUN, SPLIT, Run

from .options import ExportOptions

CACHE = "export-cache"
GRAPH, GRAPH_RECORD, MEASURED = "graph.onnx", "graph.json", "measured.json"
# The packages whose versions the card names; all of them may change what is computed.
PACKAGES = ("scenehash", "torch", "onnx", "onnxruntime", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class BuiltGraph:
    """The graph of a model file, how its ranges were found, and the operators that it runs as."""

    graph: onnx.ModelProto
    calibration: CalibrationRecord | None
    operators: dict[str, int]


class Measured(BaseModel):
    """What was measured on a graph: fidelity, noise, retrieval quality, and its golden tiles."""

    representation_snr_db: float | None
    fidelity: FidelityRecord
    quality: dict[str, float]
    golden: list[GoldenTile]


class _GraphRecord(BaseModel):
    checksum: str
    calibration: CalibrationRecord | None
    operators: dict[str, int]


class StageCache:
    """The stages of one export in the run folder; absent or damaged ones are None."""

    def __init__(self, run: Run, options: ExportOptions) -> None:
        self.folder = run.path / CACHE / _key(run, options)

    def graph(self) -> BuiltGraph | None:
        """The graph that was kept."""
        try:
            record = _GraphRecord.model_validate_json((self.folder / GRAPH_RECORD).read_bytes())
            data = (self.folder / GRAPH).read_bytes()
        except (OSError, ValidationError):
            return None
        if hashlib.sha256(data).hexdigest() != record.checksum:
            return None
        graph = onnx.load_model_from_string(data)
        return BuiltGraph(graph, record.calibration, record.operators)

    def keep_graph(self, built: BuiltGraph) -> None:
        """Keep a graph. A folder that cannot be written to is no error."""
        data = built.graph.SerializeToString()
        record = _GraphRecord(
            checksum=hashlib.sha256(data).hexdigest(),
            calibration=built.calibration,
            operators=built.operators,
        )
        self._write(GRAPH, data)
        self._write(GRAPH_RECORD, record.model_dump_json().encode())

    def measured(self) -> Measured | None:
        """The measurements that were kept."""
        try:
            return Measured.model_validate_json((self.folder / MEASURED).read_bytes())
        except (OSError, ValidationError):
            return None

    def keep_measured(self, measured: Measured) -> None:
        """Keep measurements. A folder that cannot be written to is no error."""
        self._write(MEASURED, measured.model_dump_json().encode())

    def _write(self, name: str, data: bytes) -> None:
        with contextlib.suppress(OSError, InputError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_bytes(self.folder / name, data)


def versions() -> dict[str, str]:
    """The versions of the packages that an export depends on."""
    return {name: metadata.version(name) for name in PACKAGES}


def _key(run: Run, options: ExportOptions) -> str:
    """16 hexadecimal digits over the run, the options that matter, and all code that computes."""
    settings = asdict(options)
    for name in ("licence", "limits"):
        del settings[name]
    digest = hashlib.sha256(json.dumps([settings, versions()], sort_keys=True).encode())
    for name in (CONFIG, SPLIT, RUN):
        digest.update((run.path / name).read_bytes())
    for package in ("scenehash", "scenehash_train", "scenehash_export"):
        folder = Path(str(resources.files(package)))
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]

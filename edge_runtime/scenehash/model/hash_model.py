"""The hash model on the device: one ONNX file, from images to packed codes."""

import functools
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from scenehash.codes import Codes, check_width
from scenehash.errors import ConfigurationError, ModelError
from scenehash.tiles import Image, to_tile

from .card import Card, RepresentationRecord
from .golden import MAX_DRIFT, Drift, compare
from .inspection import REPRESENTATION, check_interface, inspect_model, read_model
from .lineage import adaptation_lineage
from .linear_code import LARGEST_VALUE, LinearCode, Vectors
from .model_file import model_path
from .trusted import Trusted, check_card, read_trusted, remember

BATCH = 8
# The limit of bytes for all tensors in a process: an untrusted file may ask for more.
MAX_MEMORY = 2 << 30
_REGISTERING = threading.Lock()


class DriftWarning(UserWarning):
    """A few bits of the golden tiles differ from the machine that made the model file."""


@dataclass(frozen=True)
class Hashed:
    """Codes uint8 [N, K/8] of N images, and their representations int8 [N, D].

    vectors: None if the model gives no representation.
    """

    codes: Codes
    vectors: Vectors | None


class HashModel:
    """An open model file.

    card: its model card. golden_drift: the fraction of the golden tiles' bits, 0 to 1, that
    differed on this machine when load() opened the file. trusted: the signed facts about the file,
    on a machine that has keys.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        card: Card,
        linear_code: LinearCode | None = None,
        path: Path | None = None,
    ) -> None:
        self._session = session
        self._path = path
        self._identity: tuple[int, ...] | None = None
        self.card = card
        self.golden_drift = 0.0
        self.trusted: Trusted = None
        self._linear_code = linear_code

    def __repr__(self) -> str:
        return f"HashModel({self.card.name!r}, bits={self.bits}, lineage={self.lineage!r})"

    @property
    def name(self) -> str:
        """The model's name, for people."""
        return self.card.name

    @property
    def bits(self) -> int:
        """Number of bits K of a code."""
        return self.card.bits

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of leading bits that are also codes, ascending; the last number is bits."""
        return tuple(sorted({*self.card.widths, self.bits}))

    @property
    def lineage(self) -> str:
        """The lineage id. Codes of the same lineage can be compared, other codes cannot."""
        return self.card.lineage

    @property
    def tile_size(self) -> int:
        """Side S of a tile in pixels."""
        return self.card.tile_size

    @property
    def representation(self) -> RepresentationRecord | None:
        """The vector space of the model's representations; None if it gives none."""
        return self.card.representation

    @property
    def adapted(self) -> bool:
        """Whether the codes depend only on the representation; see codes_of."""
        return self._linear_code is not None

    @classmethod
    def load(
        cls, path: str | Path | None = None, threads: int = 1, made_here: bool = False
    ) -> "HashModel":
        """Open a model file, by default the shipped one, and check its codes on this machine.

        path: see model_path. The function hashes the golden tiles in the file. If up to 2 % of the
        bits differ, it gives a DriftWarning; if more differ, it raises ModelError, since such codes
        would not match codes of other machines. Raises ModelError, too, on a file that open()
        refuses. The machine remembers a trusted file, and accepts no older one afterwards.
        made_here: see open().
        """
        path = model_path(path)
        model = cls.open(path, threads, made_here)
        try:
            drift = model.replay()
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
        if drift.rule == "refuse":
            raise ModelError(
                f"{path}: {drift.rate:.1%} of the golden tiles' bits differ on this machine "
                f"(the limit is {MAX_DRIFT:.0%}); its codes would not match codes of other "
                "machines: use an FP32 export here, or another version of onnxruntime"
            )
        if drift.bits:
            warnings.warn(
                f"{path}: {drift.rate:.1%} of the golden tiles' bits differ on this machine "
                f"(the limit is {MAX_DRIFT:.0%})",
                DriftWarning,
                stacklevel=2,
            )
        model.golden_drift = drift.rate
        try:
            remember(model.card, model.trusted)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
        return model

    @classmethod
    def open(cls, path: Path, threads: int = 1, made_here: bool = False) -> "HashModel":
        """Open a model file without hashing its golden tiles.

        The file may be untrusted: trusted.py has the checks before it is parsed, and inspection.py
        the checks before ONNX Runtime opens it. made_here: this process has just written the file,
        which then needs no signature. Raises ModelError when it is not a usable model file, or when
        this machine does not trust it.
        """
        identity = _identity(path)
        try:
            data, trusted = (read_model(path), None) if made_here else read_trusted(path)
            inspected = inspect_model(data)
            card = Card.from_json(inspected.card)
            dims = None if card.representation is None else card.representation.dims
            check_interface(inspected, card.bits, card.tile_size, dims)
            check_card(card, trusted)
            linear_code = None if card.adaptation is None else _linear_code(data, card)
            opened = cls(_open_session(data, threads), card, linear_code, path)
            opened._identity = identity
            opened.trusted = trusted
            return opened
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error

    def file_bytes(self) -> bytes | None:
        """The bytes of the opened file; None when it is missing or holds another model now."""
        if self._path is None:
            return None
        try:
            data, _ = read_trusted(self._path)
            if _identity(self._path) == self._identity:
                return data
            card = Card.from_json(inspect_model(data).card)
        except ModelError:
            return None
        return data if card.lineage == self.lineage else None

    def replay(self) -> Drift:
        """Hash the golden tiles, and compare them with the card.

        Raises ModelError when the card has no golden tiles, or when one cannot be decoded.
        """
        golden = self.card.golden
        if not golden:
            raise ModelError("the card has no golden tiles, so its codes cannot be checked here")
        # One by one, so that a process that hashes one tile needs no memory for several.
        found = [self._run([record.tile()], "codes", "logits") for record in golden]
        codes, logits = (np.concatenate(parts) for parts in zip(*found, strict=True))
        if codes.shape[1:] != (self.bits // 8,) or logits.shape[1:] != (self.bits,):
            raise ModelError(f"its graph does not give codes of {self.bits} bits, as its card says")
        return compare(golden, codes, logits)

    def encode(self, images: Sequence[Image], bits: int | None = None) -> Codes:
        """Hash uint8 RGB images, each [H, W, 3] of any size, to codes uint8 [N, K/8].

        bits: the number of leading bits, one of widths; None: all. Raises ConfigurationError on
        another number.
        """
        width = check_width(bits, self.widths)
        if not images:
            return np.zeros((0, width // 8), np.uint8)
        (codes,) = self._run(images, "codes")
        return np.ascontiguousarray(codes[:, : width // 8])

    def encode_all(self, images: Sequence[Image], bits: int | None = None) -> Hashed:
        """Hash images as encode() does, and also give their representations."""
        if self.representation is None:
            return Hashed(self.encode(images, bits), None)
        width = check_width(bits, self.widths)
        if not images:
            none = np.zeros((0, self.representation.dims), np.int8)
            return Hashed(np.zeros((0, width // 8), np.uint8), none)
        codes, vectors = self._run(images, "codes", REPRESENTATION)
        return Hashed(np.ascontiguousarray(codes[:, : width // 8]), _whole(vectors))

    def codes_of(self, vectors: Vectors, bits: int | None = None) -> Codes:
        """Codes uint8 [N, K/8] of representations int8 [N, D] in this model's frame.

        They are the same bits that encode() gives for the same tiles, on every processor. bits: as
        in encode. Raises ConfigurationError when the model is not an adaptation, since its codes
        then do not depend only on the representation.
        """
        if self._linear_code is None:
            raise ConfigurationError(f"{self.name}: only an adapted model makes codes of vectors")
        width = check_width(bits, self.widths)
        return np.ascontiguousarray(self._linear_code.codes(vectors)[:, : width // 8])

    def width_for(self, bits: int) -> int:
        """The store's width bits if this model has codes of that width; otherwise the model's own
        width.
        """
        return bits if bits in self.widths else self.bits

    def logits(self, images: Sequence[Image]) -> npt.NDArray[np.float32]:
        """The logits float32 [N, K] of uint8 RGB images, each [H, W, 3] of any size."""
        if not images:
            return np.zeros((0, self.bits), np.float32)
        (logits,) = self._run(images, "logits")
        return logits

    def outputs(self, images: Sequence[Image]) -> tuple[npt.NDArray[np.float32], Vectors | None]:
        """Logits float32 [N, K] and representations int8 [N, D] of at least one image.

        None if the model gives no representation.
        """
        if self.representation is None:
            return self.logits(images), None
        logits, vectors = self._run(images, "logits", REPRESENTATION)
        return logits, _whole(vectors)

    def _run(self, images: Sequence[Image], *outputs: str) -> list[npt.NDArray[Any]]:
        """Outputs of the graph for at least one image, each concatenated over all."""
        results = []
        for start in range(0, len(images), BATCH):
            tiles = [to_tile(image, self.tile_size) for image in images[start : start + BATCH]]
            # A single tile, the usual case, is rarely copied: that is 3 % of its time.
            single = len(tiles) == 1
            batch = np.ascontiguousarray(tiles[0])[np.newaxis] if single else np.stack(tiles)
            try:
                results.append(self._session.run(outputs, {"tiles": batch}))
            except Exception as error:  # onnxruntime's own exceptions share no narrower base
                reason = str(error).splitlines()[0]
                raise ModelError(f"onnxruntime cannot run {self.card.name} ({reason})") from error
        return [np.concatenate(parts) for parts in zip(*results, strict=True)]


def _identity(path: Path) -> tuple[int, ...] | None:
    """A value that changes with the file at a path; None: there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _linear_code(data: bytes, card: Card) -> LinearCode:
    """The code of an adapted model; ModelError when its size differs from the card."""
    from .adapted_graph import read_linear_code  # most models need no such file

    code = read_linear_code(data)
    dims = None if card.representation is None else card.representation.dims
    if code.matrix.shape != (dims, card.bits):
        raise ModelError("its adaptation differs in size from its card")
    assert card.adaptation is not None
    if adaptation_lineage(card.adaptation.base_lineage, code) != card.lineage:
        raise ModelError(
            f"its card claims the lineage {card.lineage}, and its adaptation has another"
        )
    return code


def _whole(values: npt.NDArray[np.float32]) -> Vectors:
    """The output "representation" as int8; ModelError when it does not have whole numbers."""
    vectors = values.astype(np.int8)
    if not np.array_equal(vectors, values) or np.abs(values).max() > LARGEST_VALUE:
        raise ModelError("its representation is not made of integers from -127 to 127")
    return vectors


def _open_session(data: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    with _REGISTERING:
        _register_allocator()
    options.add_session_config_entry("session.use_env_allocators", "1")
    # Memory patterns per batch size take more memory, and are not faster.
    options.enable_mem_pattern = False
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # it also raises its errors
    # A spinning thread takes the core from the one that reads scenes: an ingest is 5 % faster
    # without, and hashing alone is no slower.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        # Without fallback: there is no other provider, and onnxruntime would print a line.
        return onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # onnxruntime's own exceptions share no narrower base
        reason = str(error).splitlines()[0]
        raise ModelError(f"onnxruntime cannot open it ({reason})") from error


@functools.cache
def _register_allocator() -> None:
    """Make all models of this process share one allocator, limited to MAX_MEMORY."""
    info = onnxruntime.OrtMemoryInfo(
        "Cpu",
        onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
        0,
        onnxruntime.OrtMemType.DEFAULT,
    )
    limit = onnxruntime.OrtArenaCfg({"max_mem": MAX_MEMORY})
    onnxruntime.create_and_register_allocator(info, limit)

"""The hash model on the device: one ONNX file, from images to packed codes."""

import platform
import warnings
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import onnxruntime

from scenehash.codes import Codes, check_width
from scenehash.errors import ModelError
from scenehash.tiles import Image, to_tile

from .card import METADATA_KEY, Card

SHIPPED_MODEL = "scenehash-64.onnx"
BATCH = 8
MAX_GOLDEN_DRIFT = 0.02
X86 = frozenset({"x86_64", "AMD64"})


Scalar = TypeVar("Scalar", bound=np.generic)


class DriftWarning(UserWarning):
    """This machine computes a few bits of the golden tiles otherwise than the exporting one."""


class HashModel:
    """A loaded model file.

    ``card`` says what it is. ``golden_drift`` is the fraction of the golden tiles' bits, 0 to 1,
    that came out differently on this machine when the file was loaded.
    """

    def __init__(self, session: onnxruntime.InferenceSession, card: Card) -> None:
        self._session = session
        self.card = card
        self.golden_drift = 0.0

    def __repr__(self) -> str:
        return f"HashModel({self.card.name!r}, bits={self.bits}, lineage={self.lineage!r})"

    @property
    def name(self) -> str:
        """Its name, for people."""
        return self.card.name

    @property
    def bits(self) -> int:
        """Width K of a code."""
        return self.card.bits

    @property
    def widths(self) -> tuple[int, ...]:
        """How many first bits of a code are codes of their own, ascending; the last is bits."""
        return tuple(sorted({*self.card.widths, self.bits}))

    @property
    def lineage(self) -> str:
        """Id of the training run; codes compare only within one."""
        return self.card.lineage

    @property
    def tile_size(self) -> int:
        """Side S of a tile in pixels."""
        return self.card.tile_size

    @classmethod
    def load(cls, path: str | Path | None = None, threads: int = 1) -> "HashModel":
        """Load a model file, or the one that ships with the package when path is None.

        The golden tiles in the file are replayed. All bits equal: nothing is said. Up to 2 % of
        them different: a DriftWarning. More: ModelError, since such codes would poison a store.
        Raises ModelError, too, on a file that is no ONNX or has no card.
        """
        path = shipped_model() if path is None else Path(path)
        model = cls.open_replayed(path, threads)
        if model.golden_drift > MAX_GOLDEN_DRIFT:
            raise ModelError(
                f"{path}: {model.golden_drift:.1%} of the golden tiles' bits differ on this "
                f"machine (at most {MAX_GOLDEN_DRIFT:.0%} is tolerated); its codes would not match "
                "those made elsewhere: use an FP32 export here, or another onnxruntime version"
            )
        if model.golden_drift:
            warnings.warn(
                f"{path}: {model.golden_drift:.1%} of the golden tiles' bits differ on this "
                f"machine (tolerated up to {MAX_GOLDEN_DRIFT:.0%})",
                DriftWarning,
                stacklevel=2,
            )
        return model

    @classmethod
    def open_replayed(cls, path: Path, threads: int = 1) -> "HashModel":
        """Load a model file and note its golden_drift, whatever it is; load() applies the rule.

        x86 processors without VNNI add pairs of u8 x s8 products in 16 bits, which overflow: there,
        4 % of the bits came out otherwise. Where golden tiles drift on x86, onnxruntime is asked
        for its exact path, which is slower, and that is kept if they drift less by it.
        """
        model = cls.open(path, threads)
        try:
            model.golden_drift = model._replay_golden_tiles()
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
        if model.golden_drift and platform.machine() in X86:
            exact = cls.open(path, threads, exact=True)
            exact.golden_drift = exact._replay_golden_tiles()
            if exact.golden_drift < model.golden_drift:
                return exact
        return model

    @classmethod
    def open(cls, path: Path, threads: int = 1, exact: bool = False) -> "HashModel":
        """Load a model file without the check of its golden tiles, for those who make them.

        exact: on x86, multiply bytes so that no sum can overflow, at half the speed or less.
        """
        session = _open_session(path, threads, exact)
        text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is None:
            raise ModelError(
                f"{path}: an ONNX file without a scenehash card; "
                "make one with: scenehash export RUN --out MODEL.onnx"
            )
        try:
            return cls(session, Card.from_json(text))
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error

    def encode(self, images: Sequence[Image], bits: int | None = None) -> Codes:
        """Hash uint8 RGB images, each [H, W, 3] of any size, to codes uint8 [N, K/8].

        bits: the first so many, one of widths; all when None. Raises ConfigurationError on another.
        """
        width = check_width(bits, self.widths)
        codes = self._run("codes", images, np.zeros((0, self.bits // 8), np.uint8))
        return np.ascontiguousarray(codes[:, : width // 8])

    def width_for(self, bits: int) -> int:
        """A store's width where this model has codes of that width; otherwise its own."""
        return bits if bits in self.widths else self.bits

    def logits(self, images: Sequence[Image]) -> npt.NDArray[np.float32]:
        """The logits float32 [N, K] of uint8 RGB images, each [H, W, 3] of any size."""
        return self._run("logits", images, np.zeros((0, self.bits), np.float32))

    def _run(
        self, output: str, images: Sequence[Image], empty: npt.NDArray[Scalar]
    ) -> npt.NDArray[Scalar]:
        results = [empty]
        for start in range(0, len(images), BATCH):
            tiles = [to_tile(image, self.tile_size) for image in images[start : start + BATCH]]
            # One tile alone, the usual case, is seldom copied: that is 3 % of its time.
            alone = len(tiles) == 1
            batch = np.ascontiguousarray(tiles[0])[np.newaxis] if alone else np.stack(tiles)
            results += self._session.run([output], {"tiles": batch})
        return np.concatenate(results)

    def _replay_golden_tiles(self) -> float:
        golden = self.card.golden
        if not golden:
            raise ModelError("the card has no golden tiles to check this machine with")
        got = self.encode([record.tile() for record in golden])
        expected = np.frombuffer(b"".join(record.code for record in golden), np.uint8)
        if got.size != expected.size:
            raise ModelError("the card and the graph disagree on the width of a code")
        flipped = np.bitwise_count(got.reshape(-1) ^ expected).sum()
        return float(flipped) / (8 * got.size)


def shipped_model() -> Path:
    """Path of the model file inside the package."""
    return Path(str(resources.files("scenehash.model") / SHIPPED_MODEL))


def _open_session(path: Path, threads: int, exact: bool) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A thread that waits in a loop for its share takes the core from the one that reads scenes: an
    # ingest is a twentieth faster without, and hashing alone is no slower.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if exact:
        options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no narrower base
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: not an ONNX file that can be run here ({reason})") from error

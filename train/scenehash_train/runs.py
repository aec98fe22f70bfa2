"""The run folder: all files of a training run.

config.json      the configuration
split.json       the archives, their classes, and the images that train and that test
checkpoint.pt    while training: the state from which an interrupted run continues
finetune.pt      while fine-tuning: the same
head.pt          the trained head's weights
compact.pt       those of the compact representation
backbone.pt      after fine-tuning: the weights of the backbone that have changed
curve.png        the terms of the loss by step
run.json         written last: lineage, quality on the test part, times
export-cache/    stages of exports, see scenehash_export; may be deleted
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from scenehash.errors import ConfigurationError, InputError
from scenehash.files import PARTIAL, atomic_path
from scenehash.model.card import DataRecord

from .backbones import Backbone, load_backbone
from .config import Config, make_config, read_config
from .data import Archive, Collection, LabelledImage, Split
from .head import Branches, Compact
from .network import HashNetwork
from .recipes import build_head

CONFIG, SPLIT, CHECKPOINT = "config.json", "split.json", "checkpoint.pt"
FINETUNE, HEAD, BACKBONE, COMPACT = "finetune.pt", "head.pt", "backbone.pt", "compact.pt"
CURVE, RUN = "curve.png", "run.json"


class Run:
    """A finished run. lineage: the id of its network; only codes of one lineage can be compared."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = make_config(read_config(path / CONFIG))
        self._record: dict[str, Any] = read_config(path / RUN)
        self._data: dict[str, Any] = read_config(path / SPLIT)
        try:
            self.lineage: str = self._record["lineage"]
            self.quality: dict[str, float] = self._record["quality"]
            self.classes: list[str] = self._data["classes"]
            self.archive_name: str = self._data["name"]
            self.split = Split(self._images("train"), self._images("test"))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: the run is damaged ({error!r}); train again") from error

    @classmethod
    def open(cls, path: Path) -> "Run":
        """Open a finished run; InputError when there is none, or when it is not finished."""
        if not (path / CONFIG).is_file():
            raise InputError(
                f"{path}: no run here; make one with: scenehash train DATA --out {path}"
            )
        if not (path / RUN).is_file():
            raise InputError(f"{path}: this run is not finished; give the same train command again")
        return cls(path)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds that each stage took, by name."""
        seconds: dict[str, float] = self._record["seconds"]
        return seconds

    def network(self) -> HashNetwork:
        """The trained network, in evaluation mode.

        Raises ConfigurationError when the backbone's weights differ from the weights of the
        training, InputError when the run's own weights cannot be read.
        """
        backbone = load_backbone(self.config.backbone, self.config.tile_size)
        if self.config.finetune is not None:
            with _intact(self.path / BACKBONE) as weights:
                backbone = backbone.with_tuned(weights)
        if backbone.identity != self._record["backbone"]:
            raise ConfigurationError(
                f"{self.path}: trained on backbone {self._record['backbone']}, but "
                f"{self.config.backbone} is {backbone.identity} here"
            )
        head = build_head(self.config, backbone.width)
        with _intact(self.path / HEAD) as weights:
            head.load_state_dict(weights)
        return backbone.with_head(head, self._compact(head, backbone.width))

    def _compact(self, head: Branches, width: int) -> Compact | None:
        """The compact representation; None in a run of an earlier version, which has none."""
        if not (self.path / COMPACT).is_file():
            return None
        with _intact(self.path / COMPACT) as weights:
            compact = Compact(width, head.hidden_widths(), len(weights["direct.bias"]))
            compact.load_state_dict(weights)
        return compact.eval()

    def data_record(self) -> DataRecord:
        """The data section of the model card."""
        return DataRecord(
            name=self.archive_name,
            classes=self.classes,
            train_images=len(self.split.train),
            test_images=len(self.split.test),
            split_seed=self.config.seed,
            fingerprint=self._data["fingerprint"],
            archives={one["name"]: one["fingerprint"] for one in self._data["archives"]},
        )

    def _images(self, part: str) -> tuple[LabelledImage, ...]:
        roots = [Path(archive["root"]) for archive in self._data["archives"]]
        return tuple(
            LabelledImage(
                roots[archive] / path,
                tuple(classes) if isinstance(classes, list) else (classes,),
                content,
            )
            for archive, path, classes, content in self._data[part]
        )


def start_run(path: Path, config: Config, data: Collection, parts: Split) -> None:
    """Make a run folder, or continue an interrupted run of the same configuration and images.

    Raises ConfigurationError when the folder holds another run or other files, InputError when it
    cannot be written to.
    """
    # Without None: a run that is older than an option still equals one without it.
    settings = config.model_dump(mode="json", exclude_none=True)
    written = {CONFIG: settings, SPLIT: _split_record(data, parts)}
    try:
        path.mkdir(parents=True, exist_ok=True)
        # The configuration is written last: a folder without it holds no run yet.
        others = [entry for entry in path.iterdir() if entry.suffix != PARTIAL]
        if not (path / CONFIG).is_file() and {entry.name for entry in others} - written.keys():
            raise ConfigurationError(f"{path}: not empty, and not a run; choose another --out")
        for name in (SPLIT, CONFIG):
            if not (path / CONFIG).is_file():
                _write_json(path / name, written[name])
            elif read_config(path / name) != written[name]:
                raise ConfigurationError(
                    f"{path}: holds a run with another configuration or other images ({name} "
                    "differs); choose another --out"
                )
    except OSError as error:
        raise InputError(f"{path}: the run cannot be written there ({error.strerror})") from error


def finish_run(
    path: Path,
    config: Config,
    backbone: Backbone,
    head: nn.Module,
    compact: Compact,
    record: dict[str, Any],
) -> Run:
    """Write the weights and then run.json, which marks the run as finished."""
    if backbone.tuned:
        _write_weights(path / BACKBONE, backbone.tuned)
    _write_weights(path / HEAD, head.state_dict())
    _write_weights(path / COMPACT, compact.state_dict())
    lineage = _lineage(config, backbone, head)
    _write_json(path / RUN, {"lineage": lineage, "backbone": backbone.identity} | record)
    for done in (CHECKPOINT, FINETUNE):
        (path / done).unlink(missing_ok=True)
    return Run(path)


def _split_record(data: Collection, parts: Split) -> dict[str, Any]:
    def classes(image: LabelledImage) -> int | list[int]:
        return image.label if len(image.labels) == 1 else list(image.labels)

    def entries(images: Iterable[LabelledImage]) -> list[list[Any]]:
        return [[*_locate(image, data.archives), classes(image), image.content] for image in images]

    return {
        "name": data.name,
        "fingerprint": data.fingerprint,
        "classes": list(data.classes),
        "archives": [
            {
                "root": str(archive.root.resolve()),
                "name": archive.name,
                "fingerprint": archive.fingerprint,
            }
            for archive in data.archives
        ],
        "train": entries(parts.train),
        "test": entries(parts.test),
    }


def _locate(image: LabelledImage, archives: Sequence[Archive]) -> tuple[int, str]:
    """The number of an image's archive, and its path within."""
    numbered = enumerate(archive.root for archive in archives)
    number, root = next((n, root) for n, root in numbered if image.path.is_relative_to(root))
    return number, str(image.path.relative_to(root))


def _lineage(config: Config, backbone: Backbone, head: nn.Module) -> str:
    """16 hexadecimal digits over everything that determines the logits of a tile."""
    digest = hashlib.sha256(f"{backbone.identity} {config.tile_size} {config.bits}".encode())
    for name, value in sorted(head.state_dict().items()):
        digest.update(name.encode() + value.cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _intact(path: Path) -> Iterator[dict[str, Tensor]]:
    """The weights in a file; InputError when they cannot be read or do not fit the network."""
    try:
        yield torch.load(path, weights_only=True)
    except (OSError, EOFError, RuntimeError, UnpicklingError) as error:
        raise InputError(f"{path}: damaged or missing; train again") from error


def _write_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    with atomic_path(path) as partial, partial.open("wb") as file:
        torch.save(weights, file)


def _write_json(path: Path, values: dict[str, Any]) -> None:
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(values, indent=1) + "\n")

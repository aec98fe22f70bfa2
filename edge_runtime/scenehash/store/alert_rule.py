"""The rule of an alert: a score of each tile, from its code or its representation, and a threshold.

All kinds of rule have one form: the similarity of a tile to templates. For the nearest example,
each example is a template; a centroid and a linear rule have one template.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes

from .records import SceneVectors, digest

Kind = Literal["nearest", "centroid", "linear"]
Scores = npt.NDArray[np.float32]
# Above the number of any rule; limits the memory for a damaged entry.
MOST_TEMPLATES, MOST_DIMS = 10_000, 65_536


@dataclass(frozen=True)
class Expected:
    """The expected error rates of an alert, and the requested rate.

    asked: as the user gave it, such as "1/day"; asked_share: the same as a share of all tiles.
    share: false alarms among tiles of other kinds. recall: the share of the tiles of the kind that
    match, by cross-validation on the examples; None with fewer than two. tiles: the number of
    stored tiles that were used.
    """

    asked: str
    asked_share: float
    share: float
    recall: float | None
    tiles: int

    def document(self) -> dict[str, object]:
        """The fields as plain values for JSON, with false alarms per thousand tiles."""
        return {
            "asked": self.asked,
            "asked_per_1000": round(1000 * self.asked_share, 4),
            "false_alarms_per_1000": round(1000 * self.share, 4),
            "recall": None if self.recall is None else round(self.recall, 3),
            "tiles": self.tiles,
        }


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule, and the data that it was fitted on.

    frame: of the representations that it reads, None if it reads codes. centre: float32 [D],
    subtracted from a tile before scaling to unit length. templates: float32 [T, D]; the score is
    the largest dot product with one of the first `positives`. A tile that is at least as similar to
    one of the other templates does not match. threshold: the smallest score that matches.
    fitted_on: see fitted_on(). vectors: int8 [E + M, D], the representations of the examples and
    negatives that it was fitted on, in their frame; None if one of them has none.
    """

    kind: Kind
    frame: str | None
    centre: Scores
    templates: Scores
    positives: int
    threshold: float
    expected: Expected
    fitted_on: bytes
    vectors: SceneVectors | None = None

    def document(self) -> dict[str, object]:
        """The rule as plain values for JSON."""
        of = "codes" if self.frame is None else "representations"
        threshold = round(self.threshold, 5)
        return {"kind": self.kind, "of": of, "threshold": threshold, **self.expected.document()}

    def stored(self) -> tuple[str, bytes]:
        """The rule in the form of the catalog: small values as JSON, and all arrays."""
        own = self.vectors
        expected = self.expected
        head = {
            "kind": self.kind,
            "frame": self.frame,
            "dims": self.templates.shape[1],
            "templates": len(self.templates),
            "positives": self.positives,
            "threshold": self.threshold,
            "expected": [
                expected.asked, expected.asked_share, expected.share, expected.recall,
                expected.tiles,
            ],
            "fitted_on": self.fitted_on.hex(),
            "vectors": None if own is None else [own.frame, *own.values.shape],
        }  # fmt: skip
        arrays = [self.centre.astype("<f4").tobytes(), self.templates.astype("<f4").tobytes()]
        numbers = b"".join([*arrays, b"" if own is None else own.values.tobytes()])
        return json.dumps(head), numbers


def rule_of(head: str, numbers: bytes) -> Rule:
    """The rule of a catalog entry; TypeError, ValueError or LookupError if it is not valid."""
    found: dict[str, Any] = json.loads(head)
    kind, frame = found["kind"], found["frame"]
    dims = _whole(found["dims"], MOST_DIMS)
    templates = _whole(found["templates"], MOST_TEMPLATES)
    positives = _whole(found["positives"], templates)
    asked, asked_share, share, recall, tiles = found["expected"]
    if kind not in get_args(Kind) or not isinstance(asked, str):
        raise ValueError(kind)
    if not isinstance(frame, str | None):
        raise TypeError(frame)
    floats = dims * (1 + templates)
    centre, matrix = np.split(np.frombuffer(numbers, "<f4", floats).reshape(-1, dims), [1])
    own = None
    if found["vectors"] is not None:
        name, count, width = found["vectors"]
        values = np.frombuffer(numbers, np.int8, offset=4 * floats)
        own = SceneVectors(
            str(name), values.reshape(_whole(count, 1 << 20), _whole(width, 1 << 16))
        )
    expected = Expected(
        asked,
        _finite(asked_share),
        _finite(share),
        None if recall is None else _finite(recall),
        _whole(tiles, 1 << 62, least=0),
    )
    if not np.isfinite(matrix).all() or not np.isfinite(centre).all():
        raise ValueError("not finite")
    return Rule(
        kind,
        frame,
        centre[0].astype(np.float32),
        matrix.astype(np.float32),
        positives,
        _finite(found["threshold"]),
        expected,
        bytes.fromhex(found["fitted_on"]),
        own,
    )


def fitted_on(examples: Codes, negatives: Codes) -> bytes:
    """A checksum of the examples and negatives, uint8 [N, K/8], that a rule was fitted on."""
    return digest(repr((examples.shape, examples.tobytes(), negatives.tobytes())).encode())


def _whole(value: object, most: int, least: int = 1) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        raise ValueError(value)
    return value


def _finite(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(value)
    return float(value)

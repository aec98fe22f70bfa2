"""A stored alert. The package alerts decides what it matches."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes
from scenehash.tiling import Window

from .alert_rule import Rule, fitted_on
from .records import digest


@dataclass(frozen=True)
class ExampleTile:
    """The part of a scene file that is an example, and how the file becomes pixels."""

    window: Window
    reading: Mapping[str, object]

    def document(self) -> list[object]:
        """The tile as plain values for JSON."""
        window = self.window
        return [[window.x, window.y, window.width, window.height], dict(self.reading)]


@dataclass(frozen=True, eq=False)
class Alert:
    """A kind of tile that a watch reports.

    examples: codes uint8 [E, K/8] of tiles of the kind, at least one. negatives: uint8 [M, K/8], of
    similar tiles of other kinds. radius: in bits. sources: the origins of examples, then of
    negatives, for people. tiles: by source, for scene files; alerts from older versions have none.
    rule: decides instead of the radius, if it was fitted on these examples and a tile has its
    input; None: the radius was given.
    """

    name: str
    radius: int
    examples: Codes
    negatives: Codes
    sources: tuple[str, ...]
    tiles: Mapping[str, ExampleTile] = field(default_factory=dict)
    rule: Rule | None = None

    @property
    def is_fitted(self) -> bool:
        """Whether the rule was fitted on the present examples; other codes make it invalid."""
        rule = self.rule
        return rule is not None and rule.fitted_on == fitted_on(self.examples, self.negatives)

    def judged(self, code: npt.NDArray[np.uint8], source: str, is_match: bool) -> "Alert":
        """The alert with a tile, its code uint8 [K/8], as an example or else as a negative.

        It replaces an earlier example or negative of that source.
        """
        rest = self.without(source)
        at = len(rest.examples) if is_match else len(rest.sources)
        sources = (*rest.sources[:at], source, *rest.sources[at:])
        codes = np.concatenate([rest.examples if is_match else rest.negatives, code[None]])
        if is_match:
            return replace(rest, sources=sources, examples=codes)
        return replace(rest, sources=sources, negatives=codes)

    def without(self, source: str) -> "Alert":
        """The alert without the example or negative of a source."""
        kept = np.array([text != source for text in self.sources], np.bool_)
        count = len(self.examples)
        return replace(
            self,
            examples=self.examples[kept[:count]],
            negatives=self.negatives[kept[count:]],
            sources=tuple(text for text in self.sources if text != source),
        )

    def document(self) -> dict[str, object]:
        """The alert as plain values for JSON, with its examples by their sources."""
        count = len(self.examples)
        return {
            "name": self.name,
            "radius": self.radius,
            "examples": list(self.sources[:count]),
            "negatives": list(self.sources[count:]),
            "rule": None
            if self.rule is None
            else self.rule.document() | {"fitted": self.is_fitted},
        }

    def checksum(self) -> bytes:
        """A checksum of all fields."""
        words = (self.name, self.radius, self.examples.tobytes(), self.negatives.tobytes())
        # Without tiles the checksum is the same as in older versions.
        any_tile = any(source in self.tiles for source in self.sources)
        tiles = [self.stored_sources()] if any_tile else []
        return digest(repr((*words, self.sources, *tiles)).encode())

    def stored_sources(self) -> str:
        """Sources and their tiles as JSON: a text, or a text, a window and a reading, for each."""
        stored = [
            [source, *self.tiles[source].document()] if source in self.tiles else source
            for source in self.sources
        ]
        return json.dumps(stored, ensure_ascii=False)

"""An alert, as a store keeps it: what is decided by it stands in the room alerts."""

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
    """The part of a scene file that an example is, and how its pixels were made of the file."""

    window: Window
    reading: Mapping[str, object]

    def document(self) -> list[object]:
        """The same as plain values, as JSON has them."""
        window = self.window
        return [[window.x, window.y, window.width, window.height], dict(self.reading)]


@dataclass(frozen=True, eq=False)
class Alert:
    """A kind of tile that a watch reports.

    examples: codes uint8 [E, K/8] of tiles of the kind, one at least. negatives: uint8 [M, K/8], of
    tiles that look alike and are not meant. radius: in bits. sources: where examples and then
    negatives came from, for people. tiles: by source, of those that are scene files; alerts from
    before this was kept have none. rule: decides in place of the radius, where it was fitted on
    these examples and a tile has what it reads; None: the radius was given.
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
        """Whether the rule is of the examples that the alert has; other codes end that."""
        rule = self.rule
        return rule is not None and rule.fitted_on == fitted_on(self.examples, self.negatives)

    def judged(self, code: npt.NDArray[np.uint8], source: str, is_match: bool) -> "Alert":
        """The alert with a tile, its code uint8 [K/8], as an example or else as a negative.

        What it has of that source is left out.
        """
        rest = self.without(source)
        at = len(rest.examples) if is_match else len(rest.sources)
        sources = (*rest.sources[:at], source, *rest.sources[at:])
        codes = np.concatenate([rest.examples if is_match else rest.negatives, code[None]])
        if is_match:
            return replace(rest, sources=sources, examples=codes)
        return replace(rest, sources=sources, negatives=codes)

    def without(self, source: str) -> "Alert":
        """The alert without what it has of a source, as an example or a negative."""
        kept = np.array([text != source for text in self.sources], np.bool_)
        count = len(self.examples)
        return replace(
            self,
            examples=self.examples[kept[:count]],
            negatives=self.negatives[kept[count:]],
            sources=tuple(text for text in self.sources if text != source),
        )

    def document(self) -> dict[str, object]:
        """The alert as plain values, as JSON has them: its examples by where they came from."""
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
        # One without tiles has the checksum that it had before they were kept.
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

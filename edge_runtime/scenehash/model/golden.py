"""Golden tiles: whether codes agree with those of the machine that made the model file.

identical   no bit differs
tolerable   at most 2 % of the bits differ: searches work, close ranks may change
refuse      more bits differ: such codes must not be stored with codes of other machines
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes

from .card import GoldenTile

MAX_DRIFT = 0.02

Search = Callable[[Codes], Sequence[Sequence[int]]]
Rule = Literal["identical", "tolerable", "refuse"]


@dataclass(frozen=True)
class Drift:
    """The golden tiles' codes on this machine and in the card.

    expected, got: codes uint8 [G, K/8] of G golden tiles. logit_error: the largest difference of a
    logit.
    """

    names: tuple[str, ...]
    expected: Codes
    got: Codes
    logit_error: float

    @property
    def bits(self) -> int:
        """Number of bits that differ."""
        return int(np.bitwise_count(self.expected ^ self.got).sum())

    @property
    def rate(self) -> float:
        """The fraction of bits that differ, 0 to 1."""
        return self.bits / (8 * self.expected.size)

    @property
    def rule(self) -> Rule:
        """The consequence; see the table above."""
        if self.bits == 0:
            return "identical"
        return "tolerable" if self.rate <= MAX_DRIFT else "refuse"

    def drifted(self) -> list[str]:
        """Names of the golden tiles whose codes differ."""
        changed = (self.expected != self.got).any(axis=1)
        return [name for name, differs in zip(self.names, changed, strict=True) if differs]

    def rows_that_change_rank(self, search: Search) -> dict[str, list[int]]:
        """For each drifted tile, by name, the rows whose rank among its hits changes.

        search: gives the rows of the nearest hits, nearest first, for codes uint8 [Q, K/8].
        """
        moved: dict[str, list[int]] = {}
        for index, name in enumerate(self.names):
            pair = np.stack([self.expected[index], self.got[index]])
            if np.array_equal(*pair):
                continue
            before, after = search(pair)
            ranks = {row: rank for rank, row in enumerate(after)}
            changed = {row for rank, row in enumerate(before) if ranks.get(row) != rank}
            moved[name] = sorted(changed | (set(after) - set(before)))
        return moved


def compare(golden: Sequence[GoldenTile], codes: Codes, logits: npt.NDArray[np.float32]) -> Drift:
    """Compare codes uint8 [G, K/8] and logits float32 [G, K] of golden tiles with their records."""
    expected = np.frombuffer(b"".join(record.code for record in golden), np.uint8)
    recorded = np.array([record.logits for record in golden], np.float32)
    return Drift(
        tuple(record.name for record in golden),
        expected.reshape(len(golden), -1),
        codes,
        float(np.abs(logits - recorded).max()),
    )

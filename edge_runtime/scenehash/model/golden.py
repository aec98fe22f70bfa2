"""Do codes agree here? The golden tiles replayed, and a rule for what follows.

identical   no bit differs
tolerable   at most 2 % of the bits: searches work, ranks near each other may change
refuse      more: such codes would poison a store
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scenehash.codes import Codes

from .hash_model import MAX_GOLDEN_DRIFT, HashModel

Search = Callable[[Codes], Sequence[Sequence[int]]]
Rule = Literal["identical", "tolerable", "refuse"]


@dataclass(frozen=True)
class Drift:
    """What replaying the golden tiles gave.

    expected, got: codes uint8 [G, K/8] of the G golden tiles. logit_error: the largest departure.
    """

    names: tuple[str, ...]
    expected: Codes
    got: Codes
    logit_error: float

    @property
    def bits(self) -> int:
        """How many bits differ."""
        return int(np.bitwise_count(self.expected ^ self.got).sum())

    @property
    def rate(self) -> float:
        """The fraction of bits that differ, 0 to 1."""
        return self.bits / (8 * self.expected.size)

    @property
    def rule(self) -> Rule:
        """What follows from it."""
        if self.bits == 0:
            return "identical"
        return "tolerable" if self.rate <= MAX_GOLDEN_DRIFT else "refuse"

    def drifted(self) -> list[str]:
        """Names of the golden tiles whose codes differ."""
        changed = (self.expected != self.got).any(axis=1)
        return [name for name, differs in zip(self.names, changed, strict=True) if differs]

    def rows_that_change_rank(self, search: Search) -> dict[str, list[int]]:
        """Rows that enter, leave or move among the nearest of a drifted tile, by its name.

        search gives, for codes uint8 [Q, K/8], the rows of each one's nearest, nearest first.
        """
        moved: dict[str, list[int]] = {}
        for place, name in enumerate(self.names):
            pair = np.stack([self.expected[place], self.got[place]])
            if np.array_equal(*pair):
                continue
            before, after = search(pair)
            at = {row: rank for rank, row in enumerate(after)}
            changed = {row for rank, row in enumerate(before) if at.get(row) != rank}
            moved[name] = sorted(changed | (set(after) - set(before)))
        return moved


def replay(model: HashModel) -> Drift:
    """Hash the golden tiles of an opened model, and compare with what its card says."""
    golden = model.card.golden
    tiles = [record.tile() for record in golden]
    expected = np.frombuffer(b"".join(record.code for record in golden), np.uint8)
    logits = model.logits(tiles)
    told = np.array([record.logits for record in golden], np.float32)
    return Drift(
        tuple(record.name for record in golden),
        expected.reshape(len(golden), -1),
        np.packbits(logits > 0, axis=1),
        float(np.abs(logits - told).max()),
    )

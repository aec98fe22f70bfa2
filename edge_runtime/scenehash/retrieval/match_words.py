"""One word for the meaning of each hit's distance.

same_place              the thumbnails of the query and the hit show one place (place_match.py)
same_kind               at this distance most hits are of the query's kind
likely_same_kind        at this distance more than half of the hits are of the query's kind
doubtful                hits at this distance may be of either, or the query shows nothing
other_kind              at this distance most stored tiles are of another kind
unlike_anything_stored  the nearest hit is farther than the nearest hits of queries of stored kinds;
                        not used in a store of few tiles, where that is often so

The meaning of a distance depends on the model and on the code width, so a model's card may have
`match_distances`. `calibrate` makes them, and benchmarks/search_words.py those of the shipped
model. They are measured on two archives: one of kinds that the model was trained on, and one of
other kinds, since most scenes at a station are of other kinds. Each image is a query among the
other images of its archive, and its hits are its nearest 20.

- same_kind: the largest distance up to which 80 % of the hits are of the query's kind, in the
  archive that the model was not trained on; 0, the identical code, if there is no such distance.
- likely_same_kind: at each distance up to this one, half of all images are so, in both archives.
- doubtful: at each distance beyond this one, at most 20 % of all images are so, in both archives.
- nearest: the distance within which 99 % of the queries of known kinds have their nearest hit.

docs/search.md has the measurements of the shipped model. All shares are among some 30 kinds of
about equal size: a kind that is one in a thousand has more other tiles within the same distance.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, hamming

if TYPE_CHECKING:
    from scenehash.model.card import Card

Word = Literal[
    "same_place",
    "same_kind",
    "likely_same_kind",
    "doubtful",
    "other_kind",
    "unlike_anything_stored",
]

# Shares that are of the query's kind, and the percentile of the queries of known kinds.
MOSTLY, HALF, RARELY, KNOWN_PERCENTILE = 0.8, 0.5, 0.2, 99.0
HITS = 20
# In a smaller store, queries of stored kinds also have their nearest hit beyond `nearest`.
LEAST_STORED = 300

# By the width of a code: the fields of MatchDistances. Of the shipped model named open, which has
# not seen AID; the other one is made in the same way.
MEASURED = {
    16: (0, 0, 4, 2),
    24: (0, 0, 7, 3),
    32: (0, 2, 10, 4),
    48: (0, 5, 15, 7),
    64: (3, 9, 20, 10),
    96: (9, 15, 31, 17),
    128: (15, 23, 41, 24),
    192: (28, 38, 63, 38),
    256: (45, 57, 90, 57),
}

Labels = npt.NDArray[np.int64]
Distances = npt.NDArray[np.int32]


@dataclass(frozen=True)
class MatchDistances:
    """The limits of the words, in bits.

    same_kind, likely_same_kind, doubtful: the largest distance of a hit with this word. nearest:
    the largest distance of the nearest hit of a query that is similar to a stored tile.
    """

    same_kind: int
    likely_same_kind: int
    doubtful: int
    nearest: int

    @classmethod
    def of(cls, card: "Card | None", bits: int) -> "MatchDistances":
        """The limits for codes of a width of the model with this card."""
        for record in () if card is None else card.match_distances:
            if record.bits == bits:
                return cls(**record.model_dump(exclude={"bits"}))
        return cls.default(bits)

    @classmethod
    def default(cls, bits: int) -> "MatchDistances":
        """The limits for a model whose card has none: those of the shipped model, scaled to the
        width.
        """
        width = max(measured for measured in MEASURED if measured <= bits)
        return cls(*(distance * bits // width for distance in MEASURED[width]))

    def word(self, distance: int, nearest: int, same_place: bool, blank: bool, tiles: int) -> Word:
        """The word for a hit. nearest: the distance of the nearest hit. blank: see Query.

        tiles: the number of tiles in the store.
        """
        if blank:
            return "doubtful"
        if same_place:
            return "same_place"
        if distance <= self.same_kind:
            return "same_kind"
        if nearest > self.nearest and tiles >= LEAST_STORED:
            return "unlike_anything_stored"
        if distance <= self.likely_same_kind:
            return "likely_same_kind"
        return "doubtful" if distance <= self.doubtful else "other_kind"


def calibrate(known: tuple[Codes, Labels], unseen: tuple[Codes, Labels]) -> MatchDistances:
    """The limits for the codes of a model.

    known: codes uint8 [N, K/8] and labels int64 [N] of images of the kinds that it was trained on,
    but not of training images; unseen: those of an archive that it was not trained on. Each image
    is a query among the other images of its archive.
    """
    distances, right = leave_one_out(*unseen)
    same_kind = 0
    for distance in range(int(distances.max()) + 1):
        within = distances <= distance
        if within.any() and right[within].mean() >= MOSTLY:
            same_kind = distance
    shares = [shares_of_one_kind(*archive) for archive in (known, unseen)]
    likely = min(int(np.flatnonzero(share < HALF).min(initial=len(share))) for share in shares) - 1
    doubtful = max(int(np.flatnonzero(share > RARELY).max(initial=0)) for share in shares)
    nearest = leave_one_out(*known)[0][:, 0]
    return MatchDistances(
        same_kind,
        max(same_kind, likely),
        max(same_kind, likely, doubtful),
        int(np.percentile(nearest, KNOWN_PERCENTILE)),
    )


def same_shares(limits: MatchDistances, before: Codes, after: Codes) -> MatchDistances:
    """Limits for other codes of the same tiles, so that each word goes to the same share of pairs.

    limits: those for the codes before, uint8 [N, K/8]. after: uint8 [N, L/8], of the same N tiles.
    Needs no labels. nearest: as many tiles as before have their nearest hit within it.
    """
    pairs, nearest = zip(*(_distances(codes) for codes in (before, after)), strict=True)

    def moved(limit: int, distances: tuple[Distances, ...]) -> int:
        old, new = distances
        share = float((old <= limit).mean())
        return int(np.quantile(new, share, method="lower")) if share else 0

    same_kind = moved(limits.same_kind, pairs)
    likely = max(same_kind, moved(limits.likely_same_kind, pairs))
    doubtful = max(likely, moved(limits.doubtful, pairs))
    return MatchDistances(same_kind, likely, doubtful, moved(limits.nearest, nearest))


def _distances(codes: Codes) -> tuple[Distances, Distances]:
    """Distances of all pairs of codes uint8 [N, K/8], int32 [M]; and to the nearest other one."""
    every = np.stack([hamming(codes, code) for code in codes])
    pairs = every[np.triu_indices(len(codes), 1)]
    np.fill_diagonal(every, 8 * codes.shape[1] + 1)
    return pairs, every.min(axis=1)


def shares_of_one_kind(codes: Codes, labels: Labels) -> npt.NDArray[np.float64]:
    """At each distance, the share of the pairs of images that are of one kind: float64 [K + 1].

    NaN if there is no pair.
    """
    pairs, alike = np.zeros((2, 8 * codes.shape[1] + 1), np.int64)
    for number, code in enumerate(codes):
        distances = hamming(codes[:number], code)
        pairs += np.bincount(distances, minlength=len(pairs))
        same = distances[labels[:number] == labels[number]]
        alike += np.bincount(same, minlength=len(pairs))
    share = np.full(len(pairs), np.nan)
    np.divide(alike, pairs, out=share, where=pairs > 0)
    return share


def leave_one_out(
    codes: Codes, labels: Labels, hits: int = HITS
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Distances int32 [N, hits] of each image's nearest other images, and whether their labels
    agree.
    """
    distances = np.empty((len(codes), hits), np.int32)
    right = np.empty((len(codes), hits), np.bool_)
    for number, code in enumerate(codes):
        every = hamming(codes, code)
        every[number] = 8 * codes.shape[1] + 1
        nearest = np.argsort(every, kind="stable")[:hits]
        distances[number], right[number] = every[nearest], labels[nearest] == labels[number]
    return distances, right

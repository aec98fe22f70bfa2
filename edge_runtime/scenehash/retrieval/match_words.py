"""One word beside the distance of each hit: how much it means.

same_place              the thumbnails of the query and the hit show one place (place_match.py)
same_kind               the distance is one at which hits mostly are of the query's kind
doubtful                hits there are of either, or there is nothing to be seen in the query
other_kind              the distance is one at which hits mostly are of another kind
unlike_anything_stored  even the nearest hit is farther than queries of stored kinds have theirs

What a distance means depends on the model and on the width of its codes, so a model's card may
carry `match_distances`; `calibrate` makes them, benchmarks/search_words.py for the shipped model.
Each image of an archive queries the others, 20 hits a query:

- same_kind: the largest distance such that 80 % of the hits up to it are of the query's kind in an
  archive that the model was not trained on; 0, the very same code, where no distance is. What a
  station receives is mostly not what a model was trained on.
- doubtful: the smallest distance beyond which most hits are of another kind, both in that archive
  and among the kinds that the model was trained on.
- nearest: the distance within which 99 % of the queries of known kinds have their nearest hit.

Measured on the shipped model, 64 bits (the test parts of UC Merced and EuroSAT, which it was
trained on; AID at 150 px, which it was not, on the half that chose no distance):

| | same_kind | doubtful | other_kind |
| --- | --- | --- | --- |
| known: share of hits, right | 53 %, 99.6 % | 45 %, 91 % | 0.9 %, 49 % |
| unseen: share of hits, right | 11 %, 83.6 % | 78 %, 52 % | 3.7 %, 43 % |

unlike_anything_stored is said of 1.0 % of the queries whose kind is stored (7.7 % in AID), and of
48 % of AID's images when UC Merced and EuroSAT are searched, which have some of its kinds.
same_place: 98.8 % of the crops of stored places are recognized, and 2.2 % have another place, of
their hundred nearest, taken for it (benchmarks/same_place.py). All these are shares among some 30
kinds in about equal parts: a kind that is one in a thousand has more strangers within the same
distance.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, hamming

Word = Literal["same_place", "same_kind", "doubtful", "other_kind", "unlike_anything_stored"]

# Shares of hits that are of the query's kind, and percentile of the queries of known kinds.
MOSTLY_RIGHT, MOSTLY_WRONG, KNOWN = 0.8, 0.5, 99.0
HITS = 20

# By the width of a code, of the shipped model: same_kind, doubtful, nearest.
MEASURED = {16: (0, 2, 2), 24: (0, 3, 3), 32: (0, 6, 4), 48: (0, 9, 8), 64: (5, 14, 11)}

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MatchDistances:
    """Distances in bits that words go by.

    same_kind, doubtful: the largest distance of a hit that is called so. nearest: the largest
    distance of the nearest hit of a query that is called like something stored.
    """

    same_kind: int
    doubtful: int
    nearest: int

    @classmethod
    def default(cls, bits: int) -> "MatchDistances":
        """For a model whose card has none: those of the shipped one, as shares of the width."""
        width = max(measured for measured in MEASURED if measured <= bits)
        return cls(*(distance * bits // width for distance in MEASURED[width]))

    def word(self, distance: int, nearest: int, same_place: bool, blank: bool) -> Word:
        """The word for a hit. nearest: the distance of the nearest hit. blank: see Query."""
        if blank:
            return "doubtful"
        if same_place:
            return "same_place"
        if distance <= self.same_kind:
            return "same_kind"
        if nearest > self.nearest:
            return "unlike_anything_stored"
        return "doubtful" if distance <= self.doubtful else "other_kind"


def calibrate(known: tuple[Codes, Labels], unseen: tuple[Codes, Labels]) -> MatchDistances:
    """Distances for the codes of a model.

    known: codes uint8 [N, K/8] and labels int64 [N] of images of the kinds that it was trained on,
    but not of training images; unseen: those of an archive that it was not trained on. Each image
    queries the others of its archive.
    """
    known_distances, known_right = leave_one_out(*known)
    distances, right = leave_one_out(*unseen)
    same_kind = 0
    for distance in range(int(distances.max()) + 1):
        within = distances <= distance
        if within.any() and right[within].mean() >= MOSTLY_RIGHT:
            same_kind = distance
    doubtful = max(
        same_kind,
        _beyond_which_most_are_wrong(known_distances, known_right),
        _beyond_which_most_are_wrong(distances, right),
    )
    return MatchDistances(same_kind, doubtful, int(np.percentile(known_distances[:, 0], KNOWN)))


def _beyond_which_most_are_wrong(
    distances: npt.NDArray[np.int32], right: npt.NDArray[np.bool_]
) -> int:
    farthest = int(distances.max())
    for distance in range(farthest):
        if right[distances > distance].mean() < MOSTLY_WRONG:
            return distance
    return farthest


def leave_one_out(
    codes: Codes, labels: Labels, hits: int = HITS
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Distances int32 [N, hits] of each image's nearest others, and whether their labels agree."""
    distances = np.empty((len(codes), hits), np.int32)
    right = np.empty((len(codes), hits), np.bool_)
    for number, code in enumerate(codes):
        every = hamming(codes, code)
        every[number] = 8 * codes.shape[1] + 1
        nearest = np.argsort(every, kind="stable")[:hits]
        distances[number], right[number] = every[nearest], labels[nearest] == labels[number]
    return distances, right

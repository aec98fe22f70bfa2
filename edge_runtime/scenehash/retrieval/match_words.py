"""One word beside the distance of each hit: how much it means.

same_place              the thumbnails of the query and the hit show one place (place_match.py)
same_kind               the distance is one at which hits mostly are of the query's kind
doubtful                it is not, or there is nothing to be seen in the query
unlike_anything_stored  even the nearest hit is farther than queries of stored kinds have theirs

What a distance means depends on the model and on the width of its codes, so a model's card may
carry `match_distances`; `calibrate` makes them, benchmarks/search_words.py for the shipped model:

- same_kind: the largest distance such that 80 % of the hits (of 20 a query) up to it are of the
  query's kind in an archive that the model was not trained on; 0, the very same code, where no
  distance is. What a station receives is mostly not what a model was trained on.
- doubtful: the distance within which 99 % of the queries of known kinds have their nearest hit.

Measured on the shipped model, 64 bits (the test parts of UC Merced and EuroSAT, which it was
trained on; AID at 150 px, which it was not, on the half that chose no distance):

| | same_kind | doubtful |
| --- | --- | --- |
| known: share of hits, right | 53 %, 99.4 % | 46 %, 89 % |
| unseen: share of hits, right | 11 %, 83.7 % | 86 %, 52 % |

unlike_anything_stored is said of 0.5 % of the queries whose kind is stored (3.3 % in AID), and of
39 % of AID's images when UC Merced and EuroSAT are searched, which have some of its kinds.
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

Word = Literal["same_place", "same_kind", "doubtful", "unlike_anything_stored"]

PRECISION, KNOWN = 0.8, 99.0
HITS = 20

# By the width of a code: same_kind and doubtful of the shipped model.
MEASURED = {16: (0, 2), 24: (0, 3), 32: (0, 4), 48: (0, 7), 64: (5, 12)}

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MatchDistances:
    """The largest distance of a hit that is called same_kind, and of the nearest that is one."""

    same_kind: int
    doubtful: int

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
        return "doubtful" if nearest <= self.doubtful else "unlike_anything_stored"


def calibrate(
    known: tuple[Codes, Labels], unseen: tuple[Codes, Labels], precision: float = PRECISION
) -> MatchDistances:
    """Distances for the codes of a model.

    known: codes uint8 [N, K/8] and labels int64 [N] of images of the kinds that it was trained on,
    but not of training images; unseen: those of an archive that it was not trained on. Each image
    queries the others of its archive.
    """
    distances, right = leave_one_out(*unseen)
    same_kind = 0
    for distance in range(int(distances.max()) + 1):
        within = distances <= distance
        if within.any() and right[within].mean() >= precision:
            same_kind = distance
    nearest = leave_one_out(*known)[0][:, 0]
    return MatchDistances(same_kind, int(np.percentile(nearest, KNOWN)))


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

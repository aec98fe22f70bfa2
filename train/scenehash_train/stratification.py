"""A stratified split of images that have several classes each."""

import numpy as np
import numpy.typing as npt

Members = npt.NDArray[np.bool_]


def stratify(members: Members, sizes: npt.NDArray[np.int64], fraction: float, seed: int) -> Members:
    """Choose groups, bool [G], so that each class has about that fraction of its images in them.

    members: bool [G, C], the classes of each group, at least one; sizes: int64 [G], its images. The
    class with the fewest unassigned images is next; its groups, in random order, go one by one to
    the side that lacks most images of that class; in a tie to the side that lacks most images in
    all, then to the larger side. Source: Sechidis, Tsoumakas, Vlahavas, "On the Stratification of
    Multi-Label Data", ECML PKDD 2011, for two parts.
    """
    assert members.any(axis=1).all()
    rng = np.random.default_rng(seed)
    weights = members * sizes[:, np.newaxis]
    shares = np.array([fraction, 1 - fraction])
    wanted = shares[:, np.newaxis] * weights.sum(axis=0)
    wanted_at_all = shares * sizes.sum()
    sides = np.full(len(members), -1)
    while (sides < 0).any():
        left = weights[sides < 0].sum(axis=0)
        label = int(np.where(left > 0, left, np.iinfo(np.int64).max).argmin())
        for group in rng.permutation(np.flatnonzero((sides < 0) & members[:, label])):
            side = max((0, 1), key=lambda s: (wanted[s, label], wanted_at_all[s], shares[s]))
            sides[group] = side
            wanted[side] -= weights[group]
            wanted_at_all[side] -= sizes[group]
    chosen: Members = sides == 0
    return chosen

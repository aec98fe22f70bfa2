"""Mining of triplets in a batch."""

from collections.abc import Callable

from torch import Tensor

Miner = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


def make_miner(name: str, margin: float) -> Miner | None:
    """A function from activations [N, K], L2-normalised, and labels [N] to a batch's triplets.

    It gives the indices of anchors, positives and negatives in the batch, int64 [T] each. None for
    "published", whose batches need no mining. Distances are squared, as in the loss. Sources:
    Schroff et al., "FaceNet", CVPR 2015 (semihard); Wu et al., "Sampling Matters in Deep Embedding
    Learning", ICCV 2017 (distance).
    """
    if name == "published":
        return None
    # Two seconds to import, and needed for mining only.
    from pytorch_metric_learning import distances, miners

    if name == "distance":
        miner = miners.DistanceWeightedMiner()
    else:
        squared = distances.LpDistance(power=2)
        miner = miners.TripletMarginMiner(margin, type_of_triplets=name, distance=squared)
    return miner  # type: ignore[no-any-return]

"""The compact representation of a tile: what a device keeps, and adapts codes on.

Principal components of the backbone's representation beside the logits, so that what the archives
of the training taught is kept with what the backbone sees. They are linear in what the head's
layers read, and rounded to whole numbers from -127 to 127: one byte each.
"""

import torch
from torch import nn

from .head import LARGEST, Branches, Compact, Projection
from .projection import sample_vectors
from .representations import Represented

# How much the logits weigh beside the components; chosen on archives that were left out.
LOGIT_WEIGHT = 2.0
# Of all values, that many are within the largest; the others are cut off there.
WITHIN = 0.9995


def fit_compact(
    represented: Represented, projection: Projection, head: Branches, dims: int, seed: int
) -> Compact:
    """Fit the compact representation on a sample of training vectors.

    projection: the components [W, P]. head: finished, of representations [N, W]. At most P + K
    dimensions.
    """
    vectors = torch.from_numpy(sample_vectors(represented, seed))
    with torch.no_grad():
        components, logits = projection(vectors), head(vectors)
        means = components.mean(0), logits.mean(0)
        scales = (
            components.var(0).sum().rsqrt(),
            LOGIT_WEIGHT * logits.var(0).sum().rsqrt(),
        )
        joint = torch.cat([(components - means[0]) * scales[0], (logits - means[1]) * scales[1]], 1)
        _, axes = torch.linalg.eigh(joint.T @ joint / len(joint))
        chosen = axes.flip(1)[:, :dims]
        values = (joint @ chosen).abs().flatten()
        kept = values[:: max(1, len(values) // 1_000_000)]
        chosen = chosen * (LARGEST / kept.quantile(WITHIN))
        of_components, of_logits = chosen[: components.shape[1]], chosen[components.shape[1] :]
        compact = Compact(len(vectors[0]), head.hidden_widths(), len(chosen.T))
        direct = projection.matrix @ (scales[0] * of_components)
        bias = -(projection.mean @ direct) - means[0] @ (scales[0] * of_components)
        bias = bias - means[1] @ (scales[1] * of_logits)
        hidden = (layer for layer in compact.inner if isinstance(layer, nn.Linear))
        first = 0
        for layer, deep in zip(head.last_layers(), head.deep(), strict=True):
            of_layer = scales[1] * of_logits[first : first + layer.out_features]
            weights = layer.weight.T @ of_layer
            if deep:
                next(hidden).weight.copy_(weights.T)
            else:
                direct = direct + weights
            bias = bias + layer.bias @ of_layer
            first += layer.out_features
        compact.direct.weight.copy_(direct.T)
        compact.direct.bias.copy_(bias)
    return compact.eval()

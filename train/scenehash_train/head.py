"""Hash heads: representation float32 [N, D] -> logits float32 [N, K]."""

import torch
from torch import Tensor, nn


class Projection(nn.Module):
    """Representation float32 [N, D] -> centred principal components float32 [N, P]."""

    mean: Tensor
    matrix: Tensor

    def __init__(self, mean: Tensor, matrix: Tensor) -> None:
        """mean [D], matrix [D, P]."""
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("matrix", matrix)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) @ self.matrix


def plain_mlp(width: int, hidden: tuple[int, ...], bits: int, slope: float = 0.0) -> nn.Sequential:
    """Linear layers with ReLUs between them, leaky by the slope; the last gives the logits."""
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [nn.Linear(width, size), nn.LeakyReLU(slope) if slope else nn.ReLU()]
        width = size
    return nn.Sequential(*layers, nn.Linear(width, bits))


class Branches(nn.Module):
    """Several heads side by side; their bits are concatenated."""

    def __init__(self, *branches: nn.Sequential) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        logits = [branch(x) for branch in self.branches]
        return logits[0] if len(logits) == 1 else torch.cat(logits, 1)

    def finished(self, projection: Projection) -> "Branches":
        """The head for export: the same function, of representations [N, D], in evaluation mode."""
        branches = [branch for branch in self.branches if isinstance(branch, nn.Sequential)]
        return Branches(*(folded(nn.Sequential(projection, *branch)) for branch in branches))


def folded(layers: nn.Sequential) -> nn.Sequential:
    """The same function in evaluation mode, by linear layers and activations alone.

    A Projection is folded into the next linear layer, a batch norm into the one before it, and
    dropout is removed.
    """
    result: list[nn.Module] = []
    waiting: Projection | None = None
    for layer in layers.eval():
        if isinstance(layer, Projection):
            waiting = layer
        elif isinstance(layer, nn.Linear):
            result.append(layer if waiting is None else _after(waiting, layer))
            waiting = None
        elif isinstance(layer, nn.BatchNorm1d):
            result.append(_before(layer, result.pop()))
        elif not isinstance(layer, nn.Dropout):
            result.append(layer)
    return nn.Sequential(*result)


def _after(projection: Projection, linear: nn.Linear) -> nn.Linear:
    weight = linear.weight @ projection.matrix.T
    return _linear(weight, linear.bias - weight @ projection.mean)


def _before(norm: nn.BatchNorm1d, linear: nn.Module) -> nn.Linear:
    assert isinstance(linear, nn.Linear)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = torch.rsqrt(norm.running_var + norm.eps)
    shift = -norm.running_mean * scale
    if norm.affine:
        scale, shift = scale * norm.weight, shift * norm.weight + norm.bias
    return _linear(linear.weight * scale[:, None], linear.bias * scale + shift)


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0]).eval()
    with torch.no_grad():
        linear.weight.copy_(weight)
        linear.bias.copy_(bias)
    return linear

"""Hash heads: representation float32 [N, D] -> logits float32 [N, K]."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn

# The largest whole number of a compact representation.
LARGEST = 127


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
        return self.outer(self.inner(x))

    def inner(self, x: Tensor) -> list[Tensor]:
        """What the last layer of each branch reads, float32 [N, P] each."""
        return [branch[:-1](x) for branch in self._sequences()]

    def outer(self, inner: list[Tensor]) -> Tensor:
        """The logits float32 [N, K] of a finished head, of what inner() gives."""
        pairs = zip(self._sequences(), inner, strict=True)
        logits = [branch[-1](values) for branch, values in pairs]
        return logits[0] if len(logits) == 1 else torch.cat(logits, 1)

    def last_layers(self) -> list[nn.Linear]:
        """The last layer of each branch of a finished head."""
        layers = [branch[-1] for branch in self._sequences()]
        return [layer for layer in layers if isinstance(layer, nn.Linear)]

    def deep(self) -> list[bool]:
        """Whether each branch has layers before its last one; the others read x itself."""
        return [len(branch) > 1 for branch in self._sequences()]

    def hidden_widths(self) -> list[int]:
        """How wide the input of the last layer of each deep branch is."""
        pairs = zip(self.last_layers(), self.deep(), strict=True)
        return [layer.in_features for layer, deep in pairs if deep]

    def finished(self, projection: Projection) -> "Branches":
        """The head for export: the same function, of representations [N, D], in evaluation mode."""
        parts = (folded(nn.Sequential(projection, *branch)) for branch in self._sequences())
        return Branches(*parts)

    def _sequences(self) -> list[nn.Sequential]:
        return [branch for branch in self.branches if isinstance(branch, nn.Sequential)]


class Compact(nn.Module):
    """The representation that a device keeps: whole numbers from -127 to 127, float32 [N, D].

    Linear in the backbone's representation [N, W] and in what the last layers of the head's deep
    branches read; see compact.py.
    """

    def __init__(self, width: int, inner: Sequence[int], dims: int) -> None:
        """width: W. inner: Branches.hidden_widths() of the head."""
        super().__init__()
        self.direct = nn.Linear(width, dims)
        self.inner = nn.ModuleList(nn.Linear(size, dims, bias=False) for size in inner)

    @property
    def dims(self) -> int:
        """Number of dimensions D."""
        return self.direct.out_features

    @property
    def frame(self) -> str:
        """16 hexadecimal digits over what determines it, the backbone and the head aside."""
        digest = hashlib.sha256()
        for name, value in sorted(self.state_dict().items()):
            digest.update(name.encode() + value.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    def forward(self, x: Tensor, inner: list[Tensor]) -> Tensor:
        """inner: what the last layer of each deep branch of the head reads."""
        value = self.direct(x)
        for layer, values in zip(self.inner, inner, strict=True):
            value = value + layer(values)
        whole: Tensor = value.round().clamp(-LARGEST, LARGEST)
        return whole


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

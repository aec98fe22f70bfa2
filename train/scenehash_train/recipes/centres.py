"""The default recipe: class codes, preserved similarities, nested codes."""

import numpy as np
import torch
from torch import Tensor, nn

from ..augmentation import ROTATE_FLIP
from ..config import CentresSettings
from ..data import memberships
from ..head import Branches
from ..losses.centre import centre_loss, default_scale
from ..losses.decorrelation import decorrelation_loss
from ..losses.instance import instance_loss
from ..losses.similarity import similarity_loss
from .base import Recipe, TrainingSet
from .class_codes import draw_class_codes
from .whitening import view_whitening


class Centres(Recipe):
    """Logits are drawn to the codes of their classes; similar representations keep similar codes.

    Similarities are those of the representation, whitened by what differs between views of one
    image. Both losses apply to each width that is a code on its own, as in Kusupati et al.,
    "Matryoshka Representation Learning", NeurIPS 2022.

    The first bits come from a head with a hidden layer, which separates the classes best. The bits
    after them are linear, and separate single images too, which generalises to unseen classes.
    """

    def __init__(
        self, settings: CentresSettings, widths: tuple[int, ...], seed: int, data: TrainingSet
    ) -> None:
        self.steps = settings.steps
        self._settings = settings
        self._widths = widths
        self._data = data
        self._labels = torch.from_numpy(data.labels)
        codes = torch.from_numpy(draw_class_codes(data.classes, widths, seed))
        self._scale = default_scale(data.classes)
        self._whitening = view_whitening(data, seed) if settings.whitened else None
        self._shares = _shares(data, settings.balance)
        self._linear_bits = max(0, widths[-1] - settings.deep_bits)
        self.head = _head(settings, data.width, widths[-1])
        self._codes = nn.Parameter(codes, requires_grad=settings.centres == "learned")
        self.learned = nn.ModuleDict(
            {"head": self.head, "class_codes": nn.ParameterList([self._codes])}
        )
        self.optimizer = torch.optim.AdamW(
            [weight for weight in self.learned.parameters() if weight.requires_grad],
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
        )

    def terms(self, rng: np.random.Generator) -> dict[str, Tensor]:
        settings = self._settings
        images = self._draw_images(rng)
        views = self._draw_views(rng)
        batch = self._data.batch(images, views)
        labels = self._labels[images]
        logits = self.head(self._noisy(batch))
        parts = [(logits[:, :width], self._codes[:, :width]) for width in self._widths]
        centre = [
            centre_loss(part, labels, codes, self._scale, settings.margin) for part, codes in parts
        ]
        terms = {"centre": torch.stack(centre).mean()}
        if settings.similarity:
            frozen = self._data.frozen(images, views)
            if self._whitening is not None:
                frozen = frozen @ self._whitening
            similarity = [similarity_loss(part, frozen) for part, _ in parts]
            terms["similarity"] = settings.similarity * torch.stack(similarity).mean()
        if settings.decorrelation:
            terms["decorrelation"] = settings.decorrelation * decorrelation_loss(logits)
        if settings.instance and self._linear_bits:
            others = self.head(self._noisy(self._data.batch(images, self._draw_views(rng))))
            terms["instance"] = settings.instance * instance_loss(
                logits[:, -self._linear_bits :],
                others[:, -self._linear_bits :],
                torch.from_numpy(images),
                settings.temperature,
            )
        return terms

    def learning_rate(self, step: int) -> float:
        """Linear warm-up over a tenth of the steps, then cosine decay to 0."""
        warm_up = max(1, self.steps // 10)
        rise = min(1.0, (step + 1) / warm_up)
        fall = 0.5 * (1 + np.cos(np.pi * step / self.steps))
        return float(self._settings.learning_rate * rise * fall)

    def _noisy(self, batch: Tensor) -> Tensor:
        """Gaussian noise simulates quantization and differences between sensors."""
        return batch + self._settings.noise * torch.randn_like(batch)

    def _draw_images(self, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The images of a batch, those of small classes more often as the settings ask for it."""
        drawn = np.searchsorted(self._shares, rng.random(self._settings.batch), side="right")
        return np.minimum(drawn, len(self._shares) - 1).astype(np.int64)

    def _draw_views(self, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """A view for each image of a batch: rotated and flipped, or randomly augmented."""
        size, every = self._settings.batch, self._data.vectors.shape[1]
        rotated = min(len(ROTATE_FLIP), every)
        views = rng.integers(rotated, size=size)
        if every > rotated:
            augmented = rotated + rng.integers(every - rotated, size=size)
            views = np.where(rng.random(size) < self._settings.random_augment, augmented, views)
        return views


def _shares(data: TrainingSet, balance: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The share of draws up to each image, float64 [N]; the last is 1.

    An image of several classes counts for the rarest of them.
    """
    members = memberships(data.labels)
    sizes = np.where(members, members.sum(axis=0), len(members)).min(axis=1).clip(1)
    shares = np.cumsum(sizes.astype(np.float64) ** -balance)
    result: np.ndarray[tuple[int], np.dtype[np.float64]] = shares / shares[-1]
    return result


def _head(settings: CentresSettings, width: int, bits: int) -> Branches:
    """Each branch ends in a batch norm without affine part, so that every bit is balanced."""
    deep_bits = min(settings.deep_bits, bits)
    deep = nn.Sequential(
        nn.Dropout(settings.dropout),
        nn.Linear(width, settings.hidden),
        nn.BatchNorm1d(settings.hidden),
        nn.ReLU(),
        nn.Dropout(settings.dropout),
        nn.Linear(settings.hidden, deep_bits),
        nn.BatchNorm1d(deep_bits, affine=False),
    )
    if deep_bits == bits:
        return Branches(deep)
    linear = nn.Sequential(
        nn.Dropout(settings.dropout),
        nn.Linear(width, bits - deep_bits),
        nn.BatchNorm1d(bits - deep_bits, affine=False),
    )
    return Branches(deep, linear)

"""From observed values to the range that the 256 steps of an activation cover, by four methods.

min_max       all observed values
percentile    all but one value in 100,000 on each side
mse           the range with the least squared error of rounding and clipping
entropy       the range with the least Kullback-Leibler divergence of histograms, after Migacz,
              "8-bit inference with TensorRT", GTC 2017
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .observe import Floats, Observed

Range = tuple[float, float]

STEPS = 255
TAIL = 1e-5
BINS = 2048
# Shares of the full range that are tried; below a third, clipping always costs more.
SHARES = np.linspace(0.34, 1.0, 67)


def min_max(observed: Observed) -> Range:
    return observed.low, observed.high


def percentile(observed: Observed) -> Range:
    low, high = np.quantile(observed.values(), (TAIL, 1 - TAIL))
    return min(float(low), 0.0), max(float(high), 0.0)


def least_squares(observed: Observed) -> Range:
    values = _thinned(observed.values())
    errors = []
    for share in SHARES:
        low, high = share * observed.low, share * observed.high
        step = max((high - low) / STEPS, 1e-12)
        zero = np.round(-low / step)
        rounded = (np.clip(np.round(values / step) + zero, 0, STEPS) - zero) * step
        errors.append(np.square(rounded - values).mean())
    share = float(SHARES[int(np.argmin(errors))])
    return share * observed.low, share * observed.high


def entropy(observed: Observed) -> Range:
    if observed.high <= observed.low:
        return observed.low, observed.high
    values = observed.values()
    # Zeros, half of a ReLU's outputs, are exact in any range, and would hide the cost of clipping.
    counts, _ = np.histogram(values[values != 0], BINS, (observed.low, observed.high))
    zero = -observed.low / (observed.high - observed.low) * BINS
    losses = []
    for share in SHARES:
        first = round(zero * (1 - share))
        last = max(first + 1, round(zero + share * (BINS - zero)))
        losses.append(_divergence(counts.astype(np.float64), first, last))
    share = float(SHARES[int(np.argmin(losses))])
    return share * observed.low, share * observed.high


METHODS: dict[str, Callable[[Observed], Range]] = {
    "min_max": min_max,
    "percentile": percentile,
    "mse": least_squares,
    "entropy": entropy,
}


def _thinned(values: Floats) -> Floats:
    # 20,000 values give the mean error to a percent, in a tenth of the time.
    return values[:: max(1, len(values) // 20_000)]


def _divergence(counts: npt.NDArray[np.float64], first: int, last: int) -> float:
    """Kullback-Leibler divergence of the clipped histogram from its 256-step version."""
    inside = counts[first:last]
    clipped = inside.copy()
    clipped[0] += counts[:first].sum()
    clipped[-1] += counts[last:].sum()
    step_of = np.arange(len(inside)) * (STEPS + 1) // len(inside)
    filled = inside > 0
    sums = np.bincount(step_of, inside)
    bins = np.bincount(step_of, filled)
    spread = np.where(filled, sums[step_of] / np.maximum(bins[step_of], 1), 0.0)
    p, q = clipped / clipped.sum(), spread / max(spread.sum(), 1.0)
    floor = 1e-9
    both = p > 0
    return float(np.sum(p[both] * np.log(p[both] / np.maximum(q[both], floor))))

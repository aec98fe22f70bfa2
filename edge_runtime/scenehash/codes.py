"""Packed binary codes: K bits in K/8 bytes, bit 0 the most significant bit of byte 0."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .errors import ConfigurationError

Codes = npt.NDArray[np.uint8]

MIN_BITS, MAX_BITS = 16, 256
# The code width of a new store, if the model has it; docs/quality.md compares widths.
DEFAULT_BITS = 64


def check_bits(bits: int) -> int:
    """Return bits if a code can have that width; ConfigurationError otherwise."""
    if bits % 8 or not MIN_BITS <= bits <= MAX_BITS:
        raise ConfigurationError(
            f"{bits} bits: a code has {MIN_BITS} to {MAX_BITS} bits, in steps of 8"
        )
    return bits


def check_width(bits: int | None, widths: Sequence[int]) -> int:
    """Return bits if it is one of a model's widths, or the largest width if bits is None.

    Raises ConfigurationError otherwise.
    """
    if bits is None:
        return widths[-1]
    if bits not in widths:
        choice = ", ".join(map(str, widths))
        raise ConfigurationError(f"{bits} bits: this model's codes can be of {choice} bits")
    return bits


def default_width(widths: Sequence[int]) -> int:
    """The code width of a new store, one of a model's widths."""
    return DEFAULT_BITS if DEFAULT_BITS in widths else widths[-1]


def pack(logits: npt.NDArray[np.floating]) -> Codes:
    """Turn logits [N, K] into codes uint8 [N, K/8]: bit j is set where logit j > 0."""
    return np.packbits(logits > 0, axis=1)


def byte_weights(bits: int) -> npt.NDArray[np.float32]:
    """float32 [K, K/8]: bits of 0 and 1 [N, K] times this matrix give the bytes of their codes.

    Column b has the place values 128, 64, ..., 1 for the bits of byte b, and zeros.
    """
    place_values = 2.0 ** np.arange(7, -1, -1)
    return np.kron(np.eye(bits // 8), place_values[:, np.newaxis]).astype(np.float32)


def unpack(codes: Codes) -> npt.NDArray[np.bool_]:
    """Turn codes uint8 [N, K/8] into bits bool [N, K]."""
    return np.unpackbits(codes, axis=1).astype(np.bool_)


def hamming(codes: Codes, query: Codes) -> npt.NDArray[np.int32]:
    """Hamming distances int32 [N] between codes uint8 [N, K/8] and one query uint8 [K/8]."""
    distances: npt.NDArray[np.int32] = np.bitwise_count(codes ^ query).sum(axis=1, dtype=np.int32)
    return distances


def nearest_hamming(codes: Codes, others: Codes) -> npt.NDArray[np.int32]:
    """Hamming distances int32 [N] from codes uint8 [N, K/8] to the nearest of others [M, K/8]."""
    nearest = hamming(codes, others[0])
    for other in others[1:]:
        np.minimum(nearest, hamming(codes, other), out=nearest)
    return nearest

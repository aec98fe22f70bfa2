"""Where heavy training computes; nothing else asks."""

import torch


def training_device() -> torch.device:
    """A CUDA device where torch sees one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")

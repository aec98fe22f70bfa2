"""The device on which the backbone is trained."""

import torch


def training_device() -> torch.device:
    """A CUDA device where torch finds one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")

"""The device's whole job on a few scenes that come with the package."""

from .demo import Demo, run_demo

__all__ = ["Demo", "run_demo"]

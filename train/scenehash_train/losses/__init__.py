"""Losses, one a file: formula, source, shapes."""

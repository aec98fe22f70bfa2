"""Losses, one per file, each with its formula, source and shapes."""

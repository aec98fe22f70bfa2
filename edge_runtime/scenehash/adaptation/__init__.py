"""Codes adapted to the tiles of a store, without labels or with a few: see adapt.py."""

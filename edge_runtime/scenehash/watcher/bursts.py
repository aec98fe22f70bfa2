"""Bursts: overlapping tiles of a scene that match the same alerts count as one find."""

from collections.abc import Sequence
from dataclasses import replace

from scenehash.retrieval.grouping import MIN_OVERLAP
from scenehash.store import HashedScene

from .matching import Match


def group_bursts(scene: HashedScene, matches: Sequence[Match]) -> list[Match]:
    """The matches of a scene's tiles; each burst has only its best match, which names the others.

    The best match has the highest score, or else the smallest distance, of its first alert. A tile
    belongs to a burst if it overlaps the best tile as much as hits of one place do. A tile without
    an alert stays alone.
    """
    bursts: dict[int, list[int]] = {}
    by_alerts: dict[tuple[str, ...], list[int]] = {}
    best = {match.position: match for match in matches}
    for match in sorted(matches, key=_rank):
        heads = by_alerts.setdefault(tuple(own.alert.name for own in match.alerts), [])
        window = scene.windows[match.position]
        near = (head for head in heads if window.overlap(scene.windows[head]) >= MIN_OVERLAP)
        head = next(near, None) if match.alerts else None
        if head is None:
            heads.append(match.position)
            bursts[match.position] = []
        else:
            bursts[head].append(match.position)
    return [replace(best[head], others=tuple(bursts[head])) for head in sorted(bursts)]


def _rank(match: Match) -> tuple[float, int, int]:
    if not match.alerts:
        return 0.0, 0, match.position
    first = match.alerts[0]
    return -(first.score or 0.0), first.distance, match.position

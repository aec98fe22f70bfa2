"""A store's data as both ends of a link count it: scenes, each computed once, rows, events."""

from collections.abc import Iterable, Iterator

from scenehash.errors import StoreDamagedError
from scenehash.store import CodeStore
from scenehash.store.links.own import OwnScene

from .annotations import AnnotatedScene, annotation_mark
from .facts import event_numbers
from .pieces import piece_of
from .spans import Spans, span

# Scenes per step.
AT_ONCE = 1000


def own_scenes(store: CodeStore) -> list[OwnScene]:
    """All scenes of a store that is open for writing, by first row.

    A damaged scene keeps its last count, or is left out if it was never counted: its peers keep
    their data, and the number of its change.
    """
    links = store.links
    known = {one.first_row: one for one in links.own.all()}
    seals = {mark.first_row: mark.seal for mark in store.scene_marks()}
    if gone := [row for row in known if row not in seals]:
        links.own.forget(gone)
    new = [row for row, seal in seals.items() if row not in known or known[row].seal != seal]
    for start in range(0, len(new), AT_ONCE):
        some, changes = [], links.own.changes()
        for found in store.scenes_from(new[start : start + AT_ONCE]):
            if isinstance(found, StoreDamagedError):
                continue
            record, codes = found
            mark = annotation_mark(record.path, record.labels)
            before = known.get(record.first_row)
            change = 0 if before is None else before.change
            if before is not None and before.mark != mark:
                change = changes = changes + 1
            digest = piece_of(record, codes, 0, record.tiles).digest()
            row = record.first_row
            some.append(OwnScene(row, seals[row], digest, mark, change))
        links.own.put(some, changes)
    return links.own.all()


def change_again(store: CodeStore, rows: Spans) -> None:
    """Count the annotations of the scenes with first rows in a span as changed."""
    changes = store.links.own.changes()
    again = [one for one in store.links.own.all() if one.first_row in rows]
    numbered = enumerate(again, start=changes + 1)
    renewed = [one._replace(change=number) for number, one in numbered]
    store.links.own.put(renewed, changes + len(renewed))


def annotated(store: CodeStore, scenes: Iterable[OwnScene]) -> Iterator[AnnotatedScene]:
    """The present annotations of scenes, by first row; damaged ones are left out."""
    digests = {one.first_row: one.digest for one in scenes}
    for found in store.scenes_from(sorted(digests)):
        if not isinstance(found, StoreDamagedError):
            record, _ = found
            row = record.first_row
            yield AnnotatedScene(row, digests[row], record.path, record.labels)


def deleted_rows(store: CodeStore) -> Spans:
    """The rows of a store whose tiles were deleted."""
    gone = store.deleted_rows()
    return Spans(zip(gone.first.tolist(), (gone.first + gone.count).tolist(), strict=True))


def living_rows(store: CodeStore) -> Spans:
    """The rows of a store with a tile."""
    return span(0, store.rows) - deleted_rows(store)


def kept_events(store: CodeStore) -> Spans:
    """The numbers of the events that a store keeps."""
    return event_numbers(store.outbox.oldest(), store.outbox.newest())

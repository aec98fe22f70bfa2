"""The stored scenes of a station: adding, annotating and deleting them as its bundles say."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from scenehash.errors import LineageError, StoreDamagedError
from scenehash.store import CodeStore, HashedScene, LinkedScene
from scenehash.store.links.annotations import Annotation
from scenehash.store.links.waiting import WaitingPiece

from .annotations import AnnotatedScene, Labels, annotation_mark
from .pieces import Piece, codes_mark, joined, piece_of, put_pieces, take_pieces
from .received import Received
from .spans import Spans, span


class StationScenes:
    """The scenes of one station, changed by its bundle with this number.

    Bundles come in any order: data of a later bundle stays.
    """

    def __init__(self, store: CodeStore, received: Received, number: int) -> None:
        self._store, self._received, self._number = store, received, number
        self._station = received.store

    def add(self, pieces: Sequence[Piece]) -> list[HashedScene]:
        """Add the scenes that pieces form or complete; returns the new or repaired ones."""
        fresh = []
        for piece in pieces:
            rows = span(piece.first_row, piece.first_row + piece.tiles)
            if rows & self._received.gone:
                continue
            whole = (piece, self._number) if piece.is_whole else self._completed(piece)
            scene = None if whole is None else self._noted(*whole)
            if scene is not None:
                fresh.append(scene)
        self._store.add(fresh)
        return fresh

    def annotate(self, scenes: Sequence[AnnotatedScene]) -> int:
        """Give scenes their labels and paths, or keep these until the scenes arrive; returns the
        number of changes.
        """
        changed = 0
        for scene in scenes:
            if scene.first_row in self._received.gone:
                continue
            key = self._station, scene.first_row, scene.digest
            annotation = _annotation(self._number, scene.path, scene.labels)
            here = self._store.links.scenes.of_store(
                self._station, scene.first_row, scene.first_row + 1
            )
            found = [one for one in here if (one.first_row, one.digest) == key[1:]]
            if found:
                changed += self._annotate(found[0], annotation)
            elif _is_newer(annotation, self._store.links.annotations.get(*key)):
                self._store.links.annotations.put(*key, annotation)
        return changed

    def remove(self, rows: Spans) -> int:
        """Apply the station's deletion of rows; returns the number of scenes that were deleted
        here.
        """
        if not rows:
            return 0
        links = self._store.links
        scenes = links.scenes.of_store(self._station, rows.pairs()[0][0], rows.end())
        deleted = self._drop([one for one in scenes if rows.covers(one.first_row, one.end)])
        waits = bool(links.waiting.rows(self._station))
        for start, end in rows:
            links.annotations.forget(self._station, start, end)
            if waits:
                links.waiting.forget_pieces(self._station, start, end)
        return deleted

    def rename(self, name: str) -> None:
        """Change the paths of a station that has a new name."""
        before, self._received.name = self._received.name, name
        for scene in self._store.links.scenes.of_store(self._station) if before else ():
            annotation = self._annotation_of(scene)
            change = {f"{before}:{annotation.path}": f"{name}:{annotation.path}"}
            self._follow(scene, annotation.labels, change, annotation.labels)

    def _noted(self, piece: Piece, number: int) -> HashedScene | None:
        """Record a scene, and return it if it must be added or repaired; number: of the bundle with
        its annotation.

        A scene that arrived before, and was deleted from this store since, is not returned. The
        earlier scenes of its rows are removed, unless a later bundle brought them.
        """
        links, store = self._store.links, self._store
        digest, content = piece.digest(), piece.content.hex()
        key = self._station, piece.first_row, digest
        annotation = _annotation(number, piece.path, piece.labels)
        before = links.scenes.of_store(
            self._station, piece.first_row, piece.first_row + piece.tiles
        )
        for one in before:
            if one.first_row == piece.first_row and one.digest == digest:
                self._annotate(one, annotation)
                is_damaged = not store.has_sound_scene(content) and store.has_scene(content)
                return self._scene(piece, self._annotation_of(one)) if is_damaged else None
        if any(one.number > self._number for one in before):
            return None
        self._drop([one for one in before if one.content != piece.content])
        others = [one for one in links.scenes.of_content(piece.content) if one not in before]
        if others:
            is_brought = any(one.is_brought for one in others)
            is_same = any(one.is_same and one.digest == digest for one in others)
        else:
            is_brought = not store.has_scene(content) or any(one.is_brought for one in before)
            is_same = is_brought or _digest_here(store, content) == digest
        linked = (self._station, piece.first_row, piece.tiles, piece.content, digest, self._number)
        links.scenes.put([LinkedScene(*linked, is_same, is_brought)])
        known = links.annotations.get(*key)
        if known is not None and known.number > number:
            annotation = known
        links.annotations.put(*key, annotation)
        return self._scene(piece, annotation)

    def _scene(self, piece: Piece, annotation: Annotation) -> HashedScene:
        annotated = replace(piece, labels=annotation.labels)
        return annotated.scene(f"{self._received.name}:{annotation.path}")

    def _completed(self, piece: Piece) -> tuple[Piece, int] | None:
        """The scene that a piece completes, and the number of the bundle with its annotation; None
        while other pieces are missing: it then waits.
        """
        store, links = self._store, self._store.links
        data, _ = put_pieces([piece], codes_mark(store.lineage, store.bits))
        waiting = WaitingPiece(piece.start, len(piece.windows), self._number, data)
        links.waiting.put_piece(self._station, piece.first_row, waiting)
        parts, at, newest, annotated = [], 0, -1, piece
        for one in links.waiting.pieces(self._station, piece.first_row):
            try:
                (part,) = take_pieces(one.data, store.lineage, store.bits)
            except LineageError:
                # It came before this store changed its model or width.
                continue
            end = part.start + len(part.windows)
            if part.content != piece.content or part.tiles != piece.tiles or end <= at:
                continue
            if part.start > at:
                return None
            if one.number > newest:
                newest, annotated = one.number, part
            parts.append(part.after(at))
            at = end
        if at < piece.tiles:
            return None
        links.waiting.forget_pieces(self._station, piece.first_row, piece.first_row + 1)
        return replace(joined(parts), path=annotated.path, labels=annotated.labels), newest

    def _annotate(self, scene: LinkedScene, annotation: Annotation) -> bool:
        """Give a scene here its annotation, unless a later bundle had one; returns whether it
        changed.
        """
        before = self._annotation_of(scene)
        if not _is_newer(annotation, before):
            return False
        labels = self._store.links.annotations.labels_of(scene.content)
        key = scene.store, scene.first_row, scene.digest
        self._store.links.annotations.put(*key, annotation)
        if before.mark == annotation.mark:
            return False
        name = self._received.name
        change = {f"{name}:{before.path}": f"{name}:{annotation.path}"}
        self._follow(scene, labels, change, self._store.links.annotations.labels_of(scene.content))
        return True

    def _drop(self, scenes: Sequence[LinkedScene]) -> int:
        """Apply the station's deletion of scenes; scenes that no other station has are deleted
        here. Returns their number.
        """
        links, deleted = self._store.links, 0
        for scene in scenes:
            labels = links.annotations.labels_of(scene.content)
            annotation = self._annotation_of(scene)
            links.scenes.forget([scene])
            others = links.scenes.of_content(scene.content)
            same = [one for one in others if one.is_same]
            if same:
                change = {self._path(scene, annotation): self._path(same[0])}
                self._follow(scene, labels, change, links.annotations.labels_of(scene.content))
                continue
            # A scene with other windows was never stored: its rows are missing from now on.
            links.scenes.forget(others)
            if scene.is_brought:
                self._store.remove_scenes([scene.content.hex()])
                deleted += 1
        return deleted

    def _follow(
        self, scene: LinkedScene, before: set[str] | Labels, paths: dict[str, str],
        after: set[str] | Labels,
    ) -> None:  # fmt: skip
        """Change a scene of this store as stations have changed it.

        Labels that were added or removed here stay so; no label is removed from a scene that this
        store had itself.
        """
        content, gone = scene.content.hex(), set(before) - set(after)
        # A damaged entry is replaced when its tiles arrive again.
        with contextlib.suppress(StoreDamagedError):
            record = self._store.find_scene(content)
            if record is not None:
                path, new = paths.get(record.path), set(after) - set(before)
                without = sorted(gone) if scene.is_brought else ()
                self._store.update_scene(content, path, sorted(new), without=without)

    def _path(self, scene: LinkedScene, annotation: Annotation | None = None) -> str:
        """The path in this store for a scene of a station."""
        name = self._received.name
        if scene.store != self._station:
            name = str(self._store.links.states.get("from", scene.store).get("name", ""))
        return f"{name}:{(annotation or self._annotation_of(scene)).path}"

    def _annotation_of(self, scene: LinkedScene) -> Annotation:
        found = self._store.links.annotations.get(scene.store, scene.first_row, scene.digest)
        return found or _annotation(-1, "", ())


def _annotation(number: int, path: str, labels: Labels) -> Annotation:
    return Annotation(number, path, labels, annotation_mark(path, labels))


def _is_newer(one: Annotation, than: Annotation | None) -> bool:
    return than is None or one.number >= than.number


def _digest_here(store: CodeStore, content: str) -> bytes:
    """What a scene of this store would be counted by."""
    found = store.read_scene(content)
    assert found is not None
    record, codes = found
    return piece_of(record, codes, 0, record.tiles).digest()

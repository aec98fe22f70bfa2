"""Conversion of alerts to another model: their examples are hashed again."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, hamming
from scenehash.errors import InputError, ModelError
from scenehash.files import path_from
from scenehash.model.golden import MAX_DRIFT
from scenehash.model.hash_model import HashModel
from scenehash.model.model_file import shipped_model
from scenehash.model.reading import read_card
from scenehash.retrieval.query import CODE_PREFIX, ROW_PREFIX
from scenehash.scenes import open_scene, reopen_scene
from scenehash.store import Alert, CodeStore, SceneRecord, fitted_on
from scenehash.tiles import Image
from scenehash.tiling import Tiling

from .judging import distance_counts


@dataclass(frozen=True)
class CarriedAlert:
    """The result for an alert.

    alert: its present state; None: none of its examples could be hashed again, and it stays
    unchanged, without effect. lost: the examples and negatives that it lost, and the reasons.
    """

    name: str
    alert: Alert | None
    lost: tuple[tuple[str, str], ...]

    def document(self) -> dict[str, object]:
        """The result as plain values for JSON."""
        return {
            "name": self.name,
            "disabled": self.alert is None,
            "radius": None if self.alert is None else self.alert.radius,
            "lost": [{"example": source, "reason": reason} for source, reason in self.lost],
        }


class AlertCarrier:
    """Converts alerts of a store to codes of a width of a model.

    codes_of: the new codes uint8 [T, K/8] of a scene of the store; None if there are none.
    """

    def __init__(
        self,
        store: CodeStore,
        model: HashModel,
        bits: int,
        codes_of: Callable[[SceneRecord], Codes | None],
    ) -> None:
        self._store, self._model, self._bits, self._codes_of = store, model, bits, codes_of

    @functools.cached_property
    def _before(self) -> HashModel | None:
        """The model that made the store's codes, if available."""
        try:
            file = model_file(self._store)
            return None if file is None else HashModel.load(file)
        except ModelError:
            return None

    def carry(self, alert: Alert, archive: Iterable[Codes] | None = None) -> CarriedAlert:
        """An alert with codes of the new model.

        archive: the new codes of the store, in parts; the new radius matches as many of its tiles
        as before. None: the new radius is the same share of the bits.
        """
        codes: list[npt.NDArray[np.uint8] | None] = []
        lost: list[tuple[str, str]] = []
        every = np.concatenate([alert.examples, alert.negatives])
        for source, code in zip(alert.sources, every, strict=True):
            try:
                codes.append(self._code_of(alert, source, code))
            except InputError as error:
                codes.append(None)
                lost.append((source, error.reason))
        count = len(alert.examples)
        examples, negatives = _kept(codes[:count]), _kept(codes[count:])
        if not examples:  # an alert with only negatives matches nothing
            return CarriedAlert(alert.name, None, tuple(lost))
        width = self._bits // 8
        carried = replace(
            alert,
            radius=0,
            examples=np.array(examples, np.uint8),
            negatives=np.array(negatives, np.uint8).reshape(-1, width),
            sources=tuple(
                source
                for source, code in zip(alert.sources, codes, strict=True)
                if code is not None
            ),
        )
        if not lost:
            carried = self._with_rule(carried)
        if archive is None:
            radius = same_share(alert.radius, self._store.bits, self._bits)
        else:
            then = _all_counts(alert, (some for _, some in self._store.living()))
            radius = matching_radius(then, _all_counts(carried, archive), alert.radius)
        return CarriedAlert(alert.name, replace(carried, radius=radius), tuple(lost))

    def _with_rule(self, alert: Alert) -> Alert:
        """The alert with its old rule, if the rule reads representations in the new model's frame;
        any other rule has no effect until a new one is chosen.
        """
        rule, space = alert.rule, self._model.representation
        if rule is None or space is None or rule.frame != space.frame:
            return alert
        return replace(
            alert, rule=replace(rule, fitted_on=fitted_on(alert.examples, alert.negatives))
        )

    def _code_of(
        self, alert: Alert, source: str, before: npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.uint8]:
        """The new code uint8 [K/8] of an example; InputError if there is none."""
        if source.startswith(ROW_PREFIX):
            return self._code_of_row(source, before)
        if source.startswith(CODE_PREFIX):
            raise InputError("it is a code without a tile")
        image = self._image_of(alert, source)
        if self._before is not None and self._store.bits in self._before.widths:
            (again,) = self._before.encode([image], self._store.bits)
            if hamming(again[None], before)[0] > MAX_DRIFT * self._store.bits:
                raise InputError("its file has changed")
        code: npt.NDArray[np.uint8] = self._model.encode([image], self._bits)[0]
        return code

    def _code_of_row(self, source: str, before: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        row = int(source.removeprefix(ROW_PREFIX))
        record = self._store.scene_of(row)
        if record is None or (self._store.codes(np.array([row]))[0] != before).any():
            raise InputError("that tile is no longer stored")
        codes = self._codes_of(record)
        if codes is None:
            raise InputError("its scene can no longer be read")
        code: npt.NDArray[np.uint8] = codes[row - record.first_row]
        return code

    def _image_of(self, alert: Alert, source: str) -> Image:
        """The pixels of an example that is a file; InputError if it cannot be read."""
        path, side, tile = path_from(source), self._model.tile_size, alert.tiles.get(source)
        if tile is not None:
            with reopen_scene(path, tile.reading) as scene:
                return scene.pixels(tile.window, side)
        with open_scene(Path(source), self._model.card.decode_params) as scene:
            windows = scene.windows(Tiling(), side)
            if len(windows) != 1:
                raise InputError("it has several tiles, and the alert does not name one")
            return scene.pixels(windows[0], side)


def same_share(radius: int, before: int, now: int) -> int:
    """The radius in codes of this width with the same share of the bits."""
    return min(round(radius * now / before), now - 1)


def matching_radius(before: npt.NDArray[np.int64], now: npt.NDArray[np.int64], radius: int) -> int:
    """The radius that now matches as many tiles as another radius did before.

    before, now: the numbers of tiles at each distance, int64 [K + 2], of the old and the new codes.
    Of several radii, the one nearest to the same share of the bits.
    """
    bits = len(now) - 2
    share = same_share(radius, len(before) - 2, bits)
    gaps = np.abs(np.cumsum(now)[:bits] - before[: radius + 1].sum())
    best = np.flatnonzero(gaps == gaps.min())
    return int(best[np.argmin(np.abs(best - share))])


def model_file(store: CodeStore) -> Path | None:
    """The file of the model that made a store's codes, if available."""
    file = store.model_file()
    if file is not None:
        return file
    with contextlib.suppress(ModelError):
        if read_card(shipped_model()).lineage == store.lineage:
            return shipped_model()
    return None


def _all_counts(alert: Alert, archive: Iterable[Codes]) -> npt.NDArray[np.int64]:
    none = np.zeros(8 * alert.examples.shape[1] + 2, np.int64)
    return sum((distance_counts(alert, codes) for codes in archive), none)


def _kept(codes: Sequence[npt.NDArray[np.uint8] | None]) -> list[npt.NDArray[np.uint8]]:
    return [code for code in codes if code is not None]

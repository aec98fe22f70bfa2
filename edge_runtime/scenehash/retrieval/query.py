"""Queries: an image, a scene or a part of one, a stored tile, or a code."""

import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from scenehash.codes import Codes, check_bits, pack
from scenehash.errors import ConfigurationError, InputError
from scenehash.files import check_regular, path_text, read_regular
from scenehash.progress import SILENT, Progress, Task
from scenehash.scenes import Scene, Window, open_scene
from scenehash.scenes.thumbnails import make_thumbnail
from scenehash.store import SceneVectors, Searchable
from scenehash.tiles import Image

from .crop import Crop
from .match_words import MatchDistances
from .stored_place import row_at

if TYPE_CHECKING:
    from scenehash.model.card import Card
    from scenehash.model.hash_model import HashModel

ROW_PREFIX, CODE_PREFIX, LOGITS_PREFIX = "row:", "code:", "logits:"
# The form for the page; commands have options.
PLACE_PREFIX = "at:"
PREFIXES = ROW_PREFIX, CODE_PREFIX, LOGITS_PREFIX
# The size limit of a file of logits, far above 256 numbers.
MOST_LOGITS = 1 << 16
SHOWN_PIXELS = 256
# Tiles per batch.
BATCH = 8
# Grey levels, standard deviation: below it a tile is one colour. Calm water has 0.4 and more.
LEAST_CONTRAST = 0.25

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Query:
    """A query: the code of one tile, or the codes of all tiles of a large scene.

    text: as the caller gave it. codes: uint8 [T, K/8]. logits: float32 [T, K]; None for a stored
    tile or a plain code. vectors: representations int8 [T, D], if the model gives them, or the
    store keeps the tile's. scene, windows: the places of the T tiles. row: of a stored tile.
    decode_params: how the scene's file becomes pixels. picture: uint8 RGB, the tile, or an overview
    of a scene of several tiles; None for a stored tile or a plain code. thumbnails: a JPEG of each
    tile, if there are pixels. skipped: the number of the scene's tiles with too few valid pixels.
    blank: whether a single tile shows nothing. warnings: for a person.
    """

    text: str
    codes: Codes
    logits: Logits | None = None
    vectors: SceneVectors | None = None
    scene: Path | None = None
    windows: tuple[Window, ...] = ()
    row: int | None = None
    decode_params: Mapping[str, object] = field(default_factory=dict)
    picture: Image | None = None
    thumbnails: tuple[bytes, ...] = ()
    skipped: int = 0
    blank: bool = False
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Query({self.text!r}, tiles={len(self.codes)}, bits={8 * self.codes.shape[1]})"

    @property
    def title(self) -> str:
        """A short name for a picture of the query."""
        named = self.row is not None or self.scene is None
        return self.text if named else self.text.rpartition("/")[2]

    @property
    def code(self) -> npt.NDArray[np.uint8]:
        """The code uint8 [K/8] of a single tile; InputError when there are more tiles."""
        if len(self.codes) > 1:
            raise InputError(
                f"the scene has {len(self.codes)} tiles, but only one can be used; give a smaller "
                "image, or a stored tile as row:N",
                self.text,
            )
        code: npt.NDArray[np.uint8] = self.codes[0]
        return code

    def document(self) -> dict[str, object]:
        """The query as plain values for JSON."""
        return {
            "text": self.text,
            "scene": None if self.scene is None else path_text(self.scene),
            "row": self.row,
            "tiles": len(self.codes),
            "tiles_skipped": self.skipped,
            "blank": self.blank,
            "codes": [code.tobytes().hex() for code in self.codes],
        }

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        model: "HashModel",
        bits: int | None = None,
        crop: Crop | None = None,
        threads: int = 1,
        progress: Progress = SILENT,
    ) -> "Query":
        """Hash a scene file, or a part of it.

        bits: the number of leading bits of a code; None: all. Raises InputError when it cannot be
        read, or when no tile has enough valid pixels, and ConfigurationError on a width that the
        model does not have.
        """
        path, crop, text = Path(path), crop or Crop(), path_text(path)
        try:
            with open_scene(path, crop.params.over(model.card.decode_params)) as scene:
                query = cls.from_scene(scene, text, model, bits, crop, threads, progress)
        except InputError as error:
            raise InputError(error.reason, text) from error
        return replace(query, scene=path)

    @classmethod
    def from_scene(
        cls,
        scene: Scene,
        text: str,
        model: "HashModel",
        bits: int | None = None,
        crop: Crop | None = None,
        threads: int = 1,
        progress: Progress = SILENT,
    ) -> "Query":
        """Hash an open scene, or a part of it. text is its name; the query has no path.

        Raises InputError as from_file, without a path.
        """
        crop, bits = crop or Crop(), bits or model.bits
        windows = crop.windows(scene, model.tile_size)
        if len(windows) == 1:
            return _of_tile(text, scene, windows[0], model, bits, crop)
        return _of_tiles(text, scene, windows, model, bits, crop, threads, progress)

    @classmethod
    def from_image(
        cls, image: Image, model: "HashModel", bits: int | None = None, text: str = "image"
    ) -> "Query":
        """Hash the largest centred square of an image, uint8 RGB [H, W, 3]."""
        every, vectors = model.outputs([image])
        logits = every[:, : bits or model.bits]
        blank = is_blank(image)
        return cls(
            text,
            pack(logits),
            logits,
            _in_frame(model, vectors),
            picture=image,
            thumbnails=(make_thumbnail(image),),
            blank=blank,
            warnings=_blank_warnings(text, blank),
        )

    @classmethod
    def from_row(cls, store: Searchable, row: int, station: str | None = None) -> "Query":
        """The query of a stored tile; StoreError when there is no such row.

        station: the station's name, for an engine with several stations.
        """
        codes, tile = store.stored_tile(row, station)
        there, vectors = store.vectors.read(np.array([row]))
        frame = store.vectors.frame
        return cls(
            f"{ROW_PREFIX}{row}" if station is None else f"{ROW_PREFIX}{station}/{row}",
            codes,
            vectors=SceneVectors(frame, vectors) if frame is not None and len(there) else None,
            scene=Path(tile.scene),
            windows=(tile.window,),
            row=row,
            decode_params=tile.decode_params,
            thumbnails=tuple(store.thumbnails.of([row]).values()),
        )

    @classmethod
    def from_place(cls, store: Searchable, latitude: float, longitude: float) -> "Query":
        """The query of the stored tile at a place, in degrees; see row_at."""
        return cls.from_row(store, *row_at(store, latitude, longitude))

    @classmethod
    def from_code(cls, code: str | bytes) -> "Query":
        """The query of a code, as bytes or hexadecimal digits; ConfigurationError if it is not a
        code.
        """
        try:
            data = bytes.fromhex(code) if isinstance(code, str) else code
        except ValueError as error:
            raise ConfigurationError(
                f"{CODE_PREFIX}{code!s}: write a code in hexadecimal digits, two per byte"
            ) from error
        check_bits(8 * len(data))
        return cls(f"{CODE_PREFIX}{data.hex()}", np.frombuffer(data, np.uint8)[None])

    @classmethod
    def from_logits(cls, path: str | Path, bits: int) -> "Query":
        """The query of the logits of one tile in an .npy file: K numbers, of which the first `bits`
        are used.

        Raises InputError when it cannot be read, ConfigurationError when it holds fewer numbers.
        """
        text = f"{LOGITS_PREFIX}{path_text(path)}"
        try:
            data = read_regular(Path(path), MOST_LOGITS)
            found = np.load(io.BytesIO(data), allow_pickle=False)
            logits = np.asarray(found, np.float32).reshape(1, -1)
        except InputError as error:
            raise InputError(error.reason, text) from error
        except (ValueError, TypeError, EOFError, SyntaxError) as error:
            raise InputError("not an .npy file of numbers", text) from error
        if logits.shape[1] < bits or not np.isfinite(logits).all():
            raise ConfigurationError(
                f"{text}: {logits.shape[1]} logits, and the store has codes of {bits} bits"
            )
        return cls(text, pack(logits[:, :bits]), logits[:, :bits])


def read_query(
    text: str | Path,
    store: Searchable,
    model: Callable[[], "HashModel"],
    crop: Crop | None = None,
    threads: int = 1,
    progress: Progress = SILENT,
) -> Query:
    """Understand a query: "row:12" is the stored tile in row 12, "row:north/12" that of the station
    north, "code:0f3a..." a code, "logits:x.npy" logits of a tile, anything else a scene file.

    model: called for a scene file alone. Raises InputError, ConfigurationError, ModelError, and
    LineageError when the model is not the one that made the store.
    """
    is_part = crop is not None and (crop.window is not None or crop.place is not None)
    if is_part and not is_scene_file(text):
        raise ConfigurationError(f"{text}: only a scene file can be cropped")
    if isinstance(text, str) and text.startswith(ROW_PREFIX):
        station, _, number = text.removeprefix(ROW_PREFIX).rpartition("/")
        return Query.from_row(store, row_number(f"{ROW_PREFIX}{number}"), station or None)
    if isinstance(text, str) and text.startswith(CODE_PREFIX):
        query = Query.from_code(text.removeprefix(CODE_PREFIX))
        check_width(query, store)
        return query
    if isinstance(text, str) and text.startswith(LOGITS_PREFIX):
        return Query.from_logits(text.removeprefix(LOGITS_PREFIX), store.bits)
    path = Path(text)
    try:
        # Before the slow loading of the model.
        check_regular(path)
    except InputError as error:
        hint = ""
        if str(text).startswith(PLACE_PREFIX):
            hint = (
                "; for a place in a scene file, use --at LAT,LON; for stored tiles around a place, "
                "use --near LAT,LON,KM"
            )
        raise InputError(f"{error.reason}{hint}", path_text(path)) from error
    loaded = model()
    return Query.from_file(path, loaded, bits_for(store, loaded), crop, threads, progress)


def bits_for(store: Searchable, model: "HashModel") -> int:
    """The width of a store's codes; LineageError when another model made them."""
    bits = model.width_for(store.bits)
    store.check(model.lineage, bits)
    return bits


def is_scene_file(text: str | Path) -> bool:
    """Whether a query is a file, not a stored tile or a code."""
    return not (isinstance(text, str) and text.startswith(PREFIXES))


def check_width(query: Query, store: Searchable) -> None:
    """Raise ConfigurationError when a query's codes have another width than the store's."""
    if query.codes.shape[1] != store.bits // 8:
        raise ConfigurationError(
            f"{query.text}: a code of {8 * query.codes.shape[1]} bits, but {store.address} has "
            f"codes of {store.bits} bits, {store.bits // 4} hexadecimal digits"
        )


def is_blank(image: Image) -> bool:
    """Whether uint8 RGB [H, W, 3] has one colour."""
    return bool(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).std() < LEAST_CONTRAST)


class ModelWhenNeeded:
    """A model, or a model file that is loaded at its first use: a stored row needs no model.

    None means the model that the store keeps, or else the shipped model.
    """

    def __init__(self, model: "HashModel | str | Path | None", store: Searchable) -> None:
        self._kept = store.model_file() if model is None else None
        self._loaded: HashModel | None = None
        self._file: str | Path | None = None
        if model is None or isinstance(model, str | Path):
            self._file = self._kept or model
        else:
            self._loaded = model

    def __call__(self) -> "HashModel":
        if self._loaded is None:
            from scenehash.model.hash_model import HashModel  # the import of onnxruntime is slow

            self._loaded = HashModel.load(self._file)
        return self._loaded

    def match_distances(self, store: Searchable) -> MatchDistances:
        """The meaning of distances for the codes of a store.

        They come from the card of the model that was loaded, given, or kept by the store. If
        another model made the store, or the card has none, they are those of the shipped model.
        Raises ModelError when a given model file cannot be read.
        """
        return MatchDistances.of(self._card_of(store), store.bits)

    def is_adapted(self, store: Searchable) -> bool:
        """Whether an adapted model made a store's codes, as far as is known."""
        card = self._card_of(store)
        return card is not None and card.adaptation is not None

    def _card_of(self, store: Searchable) -> "Card | None":
        """The card of the model that made a store; None if not available."""
        card = self._card()
        return card if card is not None and card.lineage == store.lineage else None

    def _card(self) -> "Card | None":
        """The card of the model; None if no model was given, kept or needed."""
        if self._loaded is not None:
            return self._loaded.card
        if self._kept is not None:
            return _kept_card(self._kept)
        if self._file is None:
            return None
        from scenehash.model.reading import read_card

        return read_card(Path(self._file))


@lru_cache(8)
def _kept_card(path: Path) -> "Card":
    """The card of a model file that a store keeps; the file's name identifies its content."""
    from scenehash.model.reading import read_card

    return read_card(path)


def _of_tiles(
    text: str,
    scene: Scene,
    windows: Sequence[Window],
    model: "HashModel",
    bits: int,
    crop: Crop,
    threads: int,
    progress: Progress,
) -> Query:
    tiles, logits, vectors = [], [], []
    with progress.task("hash query", len(windows)) as task, ThreadPoolExecutor(threads) as pool:
        seen = _seen(scene, windows, model.tile_size, crop.tiling.min_valid, task)
        while some := list(itertools.islice(seen, BATCH * threads)):
            images = [image for _, image in some]
            batches = [images[at : at + BATCH] for at in range(0, len(images), BATCH)]
            for own, representations in pool.map(model.outputs, batches):
                logits.append(own)
                vectors += [] if representations is None else [representations]
            tiles += [(window, make_thumbnail(image)) for window, image in some]
    if not tiles:
        raise InputError(
            f"none of its {len(windows)} tiles can be a query: each has one colour, or less than "
            f"{crop.tiling.min_valid:.0%} valid pixels"
        )
    every = np.concatenate(logits)[:, :bits]
    return Query(
        text,
        pack(every),
        every,
        _in_frame(model, np.concatenate(vectors) if vectors else None),
        windows=tuple(window for window, _ in tiles),
        decode_params=scene.reading,
        picture=scene.overview(SHOWN_PIXELS),
        thumbnails=tuple(thumbnail for _, thumbnail in tiles),
        skipped=len(windows) - len(tiles),
        warnings=_of_scene(text, scene),
    )


def _in_frame(model: "HashModel", vectors: npt.NDArray[np.int8] | None) -> SceneVectors | None:
    space = model.representation
    return None if space is None or vectors is None else SceneVectors(space.frame, vectors)


def _of_tile(
    text: str, scene: Scene, window: Window, model: "HashModel", bits: int, crop: Crop
) -> Query:
    ((tile,),) = scene.tiles([window], model.tile_size, crop.tiling.min_valid)
    image = scene.pixels(window, model.tile_size) if tile.image is None else tile.image
    query = Query.from_image(image, model, bits, text)
    warnings = [*_of_scene(text, scene), *query.warnings]
    if tile.image is None and not query.blank:
        share = f"less than {crop.tiling.min_valid:.0%} of its pixels hold data"
        warnings.append(f"{query.text}: {share}, so that its hits mean little")
    return replace(
        query,
        windows=(window,),
        decode_params=scene.reading,
        blank=query.blank or tile.image is None,
        warnings=tuple(warnings),
    )


def _of_scene(text: str, scene: Scene) -> tuple[str, ...]:
    return tuple(f"{text}: {warning}" for warning in scene.warnings)


def _seen(
    scene: Scene, windows: Sequence[Window], tile_size: int, min_valid: float, task: Task
) -> Iterator[tuple[Window, Image]]:
    """The tiles of windows with enough valid pixels and more than one colour."""
    for group in scene.tiles(windows, tile_size, min_valid):
        for window, image in group:
            task.advance(1)
            if image is not None and not is_blank(image):
                yield window, image


def _blank_warnings(text: str, blank: bool) -> tuple[str, ...]:
    if not blank:
        return ()
    return (f"{text}: it is of one colour, so that its hits mean little",)


def row_number(text: str) -> int:
    """The row of a text such as "row:12"; ConfigurationError on any other text."""
    try:
        return int(text.removeprefix(ROW_PREFIX))
    except ValueError as error:
        raise ConfigurationError(
            f"{text}: a stored row is written {ROW_PREFIX}NUMBER, such as {ROW_PREFIX}12"
        ) from error

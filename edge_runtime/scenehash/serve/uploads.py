"""Images that are searched with, for a while: files in a folder of this process alone."""

import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scenehash.decode_params import DecodeParams
from scenehash.errors import InputError, NotStoredError
from scenehash.files import printable
from scenehash.scenes import Scene, content_id, open_scene
from scenehash.scenes.bounds import check_bounds
from scenehash.scenes.formats import HEAD_BYTES, JPEG_2000, PLAIN, TIFF, format_of

# Formats that name no other files.
FORMATS = PLAIN | {TIFF, JPEG_2000}
SUFFIXES = {TIFF: ".tif", JPEG_2000: ".jp2"}
LIFETIME = timedelta(hours=1)
# All of them together have no more bytes than so many times the largest that is taken.
LARGEST_KEPT = 4
MOST_PIXELS = 64_000_000
LONGEST_NAME = 200


@dataclass(frozen=True)
class Upload:
    """An image that was sent: id is that of its content, name what the sender calls it."""

    id: str
    name: str
    path: Path
    bytes: int
    expires: datetime

    @property
    def text(self) -> str:
        """How a query of it is shown."""
        return f"upload:{self.name or self.id}"


class Uploads:
    """Uploads until they expire, or newer ones need their room. clock: seconds that only grow."""

    def __init__(self, largest: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="scenehash-")
        self._most, self._clock = LARGEST_KEPT * largest, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Upload, float]] = OrderedDict()

    def add(self, data: bytes, name: str) -> Upload:
        """Keep an image; InputError on what is none, or has too many pixels: nothing is decoded."""
        kind = check_image(data)
        number = content_id(data)
        # A folder of its own: nothing of another upload lies beside it.
        path = Path(self._folder.name, number, f"upload{SUFFIXES.get(kind, '')}")
        shown = printable(name)[:LONGEST_NAME]
        upload = Upload(number, shown, path, len(data), datetime.now(UTC) + LIFETIME)
        with self._lock:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.write_bytes(data)
            self._kept.pop(number, None)
            self._kept[number] = upload, self._clock() + LIFETIME.total_seconds()
            self._forget_old()
        return upload

    def get(self, number: str) -> Upload:
        """The upload of an id; NotStoredError when there is none any more."""
        with self._lock:
            self._forget_old()
            if number not in self._kept:
                raise NotStoredError(
                    f"upload {printable(number)}: not here, or not any more; send the image again"
                )
            return self._kept[number][0]

    def open(self, upload: Upload, params: DecodeParams) -> Scene:
        """Open an upload as a scene, to be closed; InputError, with its name, on damage."""
        try:
            scene = open_scene(upload.path, params)
            if scene.width * scene.height > MOST_PIXELS:
                scene.close()
                raise InputError(_too_many(scene.width, scene.height))
            return scene
        except InputError as error:
            raise InputError(error.reason, upload.text) from error

    def total(self) -> int:
        """How many bytes are kept."""
        with self._lock:
            return sum(upload.bytes for upload, _ in self._kept.values())

    def close(self) -> None:
        """Forget all."""
        self._folder.cleanup()

    def _forget_old(self) -> None:
        now, total = self._clock(), sum(upload.bytes for upload, _ in self._kept.values())
        for number, (upload, end) in list(self._kept.items()):
            if end <= now or total > self._most:
                total -= upload.bytes
                del self._kept[number]
                upload.path.unlink(missing_ok=True)
                upload.path.parent.rmdir()


def check_image(data: bytes) -> str:
    """The format of an image's bytes; InputError when it is none that is taken, or too large."""
    if not data:
        raise InputError("the file is empty (0 bytes)")
    kind = format_of(data[:HEAD_BYTES])
    if kind not in FORMATS:
        raise InputError(f"a {kind} file is not taken: it may name other files; send a GeoTIFF")
    if kind in PLAIN:
        header = check_bounds(data)
        if header.width * header.height > MOST_PIXELS:
            raise InputError(_too_many(header.width, header.height))
    return kind


def _too_many(width: int, height: int) -> str:
    return f"{width}x{height} pixels are too many to be searched with; send a part of it"

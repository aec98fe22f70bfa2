"""Temporary query images: files in a folder of this process alone."""

import contextlib
import re
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from scenehash.decode_params import DecodeParams
from scenehash.errors import InputError, NotStoredError, StoreBusyError
from scenehash.printable import printable
from scenehash.scenes import Scene, open_scene
from scenehash.scenes.files import SCENE_SUFFIXES, content_of
from scenehash.scenes.formats import HEAD_BYTES, JPEG_2000, PLAIN, TIFF, format_of
from scenehash.scenes.size_limits import MOST_UPLOADED_PIXELS, check_bounds

# Formats that name no other files.
FORMATS = PLAIN | {TIFF, JPEG_2000}
SUFFIXES = {TIFF: ".tif", JPEG_2000: ".jp2"}
LIFETIME = timedelta(hours=1)
# The maximum total size, as a multiple of the largest accepted upload.
LARGEST_KEPT = 4
LONGEST_NAME = 200
# Allowed names of uploads: no folder, not hidden, no special characters.
FILE_NAME = re.compile(r"[\w()+,@=-][\w .()+,@=-]{0,199}")
# The maximum number of arriving uploads.
MOST_COMING = 8


@dataclass(frozen=True)
class Upload:
    """An uploaded image: id is that of its content, name comes from the sender."""

    id: str
    name: str
    path: Path
    bytes: int
    expires: datetime

    @property
    def text(self) -> str:
        """The text of a query with it."""
        return f"upload:{self.name or self.id}"


class Uploads:
    """Uploads until they expire, or until newer uploads need their space. clock: seconds, never
    back.
    """

    def __init__(self, largest: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="scenehash-")
        self._most, self._clock = LARGEST_KEPT * largest, clock
        self._lock = threading.Lock()
        self._coming = threading.BoundedSemaphore(MOST_COMING)
        self._kept: OrderedDict[str, tuple[Upload, float]] = OrderedDict()

    @property
    def folder(self) -> Path:
        """The folder of this process, which close() removes."""
        return Path(self._folder.name)

    @contextlib.contextmanager
    def receiving(self) -> Iterator[IO[bytes]]:
        """A file for an arriving image; StoreBusyError when too many are arriving."""
        if not self._coming.acquire(blocking=False):
            raise StoreBusyError(f"{MOST_COMING} uploads are coming already; try again")
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder.name) as file:
                yield file
        finally:
            self._coming.release()

    def add(self, received: IO[bytes], name: str) -> Upload:
        """Store a received image; InputError when it is not an image, or has too many pixels. It
        decodes nothing.
        """
        received.flush()
        coming = Path(received.name)
        kind = check_image(coming)
        number, size = content_of(coming), coming.stat().st_size
        # In its own folder, without files of other uploads.
        path = Path(self._folder.name, number, f"upload{SUFFIXES.get(kind, '')}")
        shown = printable(name)[:LONGEST_NAME]
        upload = Upload(number, shown, path, size, datetime.now(UTC) + LIFETIME)
        with self._lock:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.unlink(missing_ok=True)
            path.hardlink_to(coming)
            self._kept.pop(number, None)
            self._kept[number] = upload, self._clock() + LIFETIME.total_seconds()
            self._forget_old()
        return upload

    def get(self, number: str) -> Upload:
        """The upload with an id; NotStoredError when it is unknown or expired."""
        with self._lock:
            self._forget_old()
            if number not in self._kept:
                raise NotStoredError(f"upload {number}: unknown or expired; send the image again")
            return self._kept[number][0]

    def open(self, upload: Upload, params: DecodeParams) -> Scene:
        """Open an upload as a scene, which the caller closes; InputError, without its name, on
        damage.
        """
        scene = open_scene(upload.path, params)
        if scene.width * scene.height > MOST_UPLOADED_PIXELS:
            scene.close()
            raise InputError(_too_many(scene.width, scene.height))
        return scene

    def total(self) -> int:
        """The total bytes of the stored uploads."""
        with self._lock:
            return sum(upload.bytes for upload, _ in self._kept.values())

    def close(self) -> None:
        """Remove all uploads."""
        self._folder.cleanup()

    def _forget_old(self) -> None:
        now, total = self._clock(), sum(upload.bytes for upload, _ in self._kept.values())
        for number, (upload, end) in list(self._kept.items()):
            if end <= now or total > self._most:
                total -= upload.bytes
                del self._kept[number]
                upload.path.unlink(missing_ok=True)
                upload.path.parent.rmdir()


def check_image(path: Path) -> str:
    """The format of an image; InputError when it is not accepted, or too large."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise InputError("the file is empty (0 bytes)")
    kind = format_of(head)
    if kind not in FORMATS:
        raise InputError(f"a {kind} file is not taken: it may name other files; send a GeoTIFF")
    if kind in PLAIN:
        header = check_bounds(path.read_bytes())
        if header.width * header.height > MOST_UPLOADED_PIXELS:
            raise InputError(_too_many(header.width, header.height))
    return kind


def checked_name(name: str) -> str:
    """The name of an uploaded file; InputError on a name with a folder or other dangerous parts."""
    is_plain = FILE_NAME.fullmatch(name) is not None
    if not is_plain or Path(name).suffix.lower() not in SCENE_SUFFIXES:
        raise InputError(f"{name}: give the name of a file without a folder, such as scene.tif")
    return name


def _too_many(width: int, height: int) -> str:
    return f"{width}x{height} pixels are too many to be searched with; send a part of it"

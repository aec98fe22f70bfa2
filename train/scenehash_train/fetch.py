"""A published archive on disk: downloaded, checked, unpacked as one folder per class."""

import json
import logging
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch

from scenehash.errors import ConfigurationError, FetchError
from scenehash.progress import SILENT, Progress

from .archives import PUBLISHED, PublishedArchive
from .download import ResumingDownloader
from .unpack import unpack

# Written last into a complete folder: what it was made from.
ORIGIN = "fetched.json"


@dataclass(frozen=True)
class Fetched:
    """An archive in a folder, one folder per class. known: the folder had it already."""

    name: str
    archive: PublishedArchive
    folder: Path
    images: int
    classes: int
    known: bool

    def document(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            "name": self.name,
            "folder": str(self.folder),
            "images": self.images,
            "classes": self.classes,
            "known": self.known,
        }


def fetch_archive(name: str, out: Path | None = None, progress: Progress = SILENT) -> Fetched:
    """Download a published archive (see archives.PUBLISHED) and unpack it as one folder per class.

    out: the folder to make; ./NAME by default. The zip file, or its downloaded part, stays next to
    out until out is complete, and a second call continues an interrupted download. Raises
    ConfigurationError on an unknown name or when out holds something else, FetchError when the
    server, the disk or the checksum fails.
    """
    archive = PUBLISHED.get(name)
    if archive is None:
        raise ConfigurationError(f"unknown archive {name!r}; known are {', '.join(PUBLISHED)}")
    out = Path(name) if out is None else out
    known = (out / ORIGIN).is_file()
    if known:
        images, classes = _read_origin(name, archive, out)
    else:
        images, classes = _make(name, archive, out, progress)
    if (images, classes) != (archive.images, archive.classes):
        progress.message(
            f"warning: {out}: {images:,} images of {classes} classes; "
            f"{archive.images:,} images of {archive.classes} classes were expected"
        )
    return Fetched(name, archive, out, images, classes, known)


def _read_origin(name: str, archive: PublishedArchive, out: Path) -> tuple[int, int]:
    origin = json.loads((out / ORIGIN).read_text())
    if (origin["name"], origin["checksum"]) != (name, archive.checksum):
        raise ConfigurationError(f"{out}: holds {origin['name']} already; choose another --out")
    return origin["images"], origin["classes"]


def _make(name: str, archive: PublishedArchive, out: Path, progress: Progress) -> tuple[int, int]:
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigurationError(f"{out}: not empty; choose another --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        file = _download(name, archive, out, progress)
        partial = out.with_name(out.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            images = unpack(file, partial, progress)
            classes = sum(path.is_dir() for path in partial.iterdir()) if images else 0
            origin = {"name": name, "url": archive.url, "checksum": archive.checksum}
            counts = {"images": images, "classes": classes}
            (partial / ORIGIN).write_text(json.dumps(origin | counts, indent=1) + "\n")
            partial.replace(out)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        file.unlink()
    except zipfile.BadZipFile as error:
        raise FetchError(f"{file}: not a readable zip file ({error})") from error
    except OSError as error:
        raise FetchError(f"{out}: cannot be written ({error.strerror})") from error
    return images, classes


def _download(name: str, archive: PublishedArchive, out: Path, progress: Progress) -> Path:
    """The checked zip file beside out; one that is there already is not downloaded again."""
    pooch.get_logger().setLevel(logging.WARNING)
    file = out.with_name(f"{name}.zip")
    part = out.with_name(f"{name}.zip.part")
    downloader = ResumingDownloader(part, name, archive.megabytes, progress)
    try:
        pooch.retrieve(
            archive.url, archive.checksum, file.name, path=out.parent, downloader=downloader
        )
    except ValueError as error:
        raise FetchError(
            f"{name}: the file from {archive.url} has another checksum than {archive.checksum} and "
            "was deleted; give the same command again, and if it fails again, the archive has "
            f"changed: get it from {archive.page}"
        ) from error
    return file

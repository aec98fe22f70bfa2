"""Fetching a published archive: downloaded, checked, unpacked as a folder a class."""

import json
import logging
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pooch

from scenehash.errors import ConfigurationError, FetchError

from .archives import PublishedArchive
from .download import ResumingDownloader
from .unpack import unpack

# Written last into a folder that is whole: what it was made from.
ORIGIN = "fetched.json"


@dataclass(frozen=True)
class Fetched:
    """A folder a class, and how many images and classes are in it. known: it was there already."""

    folder: Path
    images: int
    classes: int
    known: bool


def fetch(name: str, archive: PublishedArchive, out: Path) -> Fetched:
    """Make the folder out of a published archive, or find that it is there.

    The zip file, and while it is incomplete the part that came, lie beside out, and are taken away
    when out is whole. Raises ConfigurationError when something else is in out, FetchError when the
    server, the disk or the checksum fails; then what was downloaded is kept, unless it is wrong.
    """
    if (out / ORIGIN).is_file():
        return _found(name, archive, out)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigurationError(f"{out}: there is something else already; choose another --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        file = _download(name, archive, out)
        partial = out.with_name(out.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            images = unpack(file, partial)
            classes = sum(path.is_dir() for path in partial.iterdir()) if images else 0
            origin = {"name": name, "url": archive.url, "checksum": archive.checksum}
            counts = {"images": images, "classes": classes}
            (partial / ORIGIN).write_text(json.dumps(origin | counts, indent=1) + "\n")
            partial.replace(out)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        file.unlink()
    except zipfile.BadZipFile as error:
        raise FetchError(f"{file}: not a zip file that can be read ({error})") from error
    except OSError as error:
        raise FetchError(f"{out}: cannot be written ({error.strerror})") from error
    return Fetched(out, images, classes, known=False)


def _found(name: str, archive: PublishedArchive, out: Path) -> Fetched:
    origin = json.loads((out / ORIGIN).read_text())
    if (origin["name"], origin["checksum"]) != (name, archive.checksum):
        raise ConfigurationError(f"{out}: holds {origin['name']} already; choose another --out")
    return Fetched(out, origin["images"], origin["classes"], known=True)


def _download(name: str, archive: PublishedArchive, out: Path) -> Path:
    """The zip file beside out, checked; what is there already with the right checksum is taken."""
    pooch.get_logger().setLevel(logging.WARNING)
    file = out.with_name(f"{name}.zip")
    part = out.with_name(f"{name}.zip.part")
    downloader = ResumingDownloader(part, name, archive.megabytes)
    try:
        pooch.retrieve(
            archive.url, archive.checksum, file.name, path=out.parent, downloader=downloader
        )
    except ValueError as error:
        raise FetchError(
            f"{name}: what came from {archive.url} has another checksum than {archive.checksum}, "
            "and was thrown away; give the same command again, and if that says the same, the "
            f"archive has changed: get it from {archive.page}"
        ) from error
    return file

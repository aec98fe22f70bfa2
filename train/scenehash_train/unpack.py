"""From a zip file of images to a folder a class."""

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from scenehash.cli.console import track
from scenehash.errors import FetchError
from scenehash.scenes.decoding import IMAGE_SUFFIXES


def unpack(file: Path, out: Path) -> int:
    """Write the images of a zip file as out/CLASS/NAME, and say how many.

    An image's class is the folder that it lies in, whatever folders that lies in; what is no image
    is left out. out must not be there. Raises FetchError, and writes nothing, when a path leads out
    of the zip file's own folder, two images would have one place, or the file is damaged; OSError.
    """
    with zipfile.ZipFile(file) as archive:
        places = _places(file, archive)
        for member, place in track(places.items(), len(places), f"unpack {file.name}"):
            target = out / place
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, target.open("xb") as sink:
                shutil.copyfileobj(source, sink)
    return len(places)


def _places(file: Path, archive: zipfile.ZipFile) -> dict[str, PurePosixPath]:
    """Where each image is to go, by its name in the archive."""
    places: dict[str, PurePosixPath] = {}
    for member in archive.namelist():
        path = PurePosixPath(member.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise FetchError(f"{file}: {member!r} in it leads elsewhere; nothing was unpacked")
        # macOS adds files of its own, with the names of those that are meant.
        hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
        if path.suffix.lower() in IMAGE_SUFFIXES and not hidden and len(path.parts) > 1:
            places[member] = PurePosixPath(path.parent.name, path.name)
    if len(set(places.values())) < len(places):
        raise FetchError(f"{file}: images in it have one class and one name; nothing was unpacked")
    return places

"""From a zip file of images to one folder per class."""

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from scenehash.errors import FetchError
from scenehash.progress import SILENT, Progress, track
from scenehash.scenes.files import IMAGE_SUFFIXES


def unpack(file: Path, out: Path, progress: Progress = SILENT) -> int:
    """Write the images of a zip file as out/CLASS/NAME; gives their number.

    The class of an image is the name of its folder; other files are left out. out must not exist.
    Raises FetchError, and writes nothing, when a path leads out of the folder or two images would
    have the same path; zipfile.BadZipFile; OSError.
    """
    with zipfile.ZipFile(file) as archive:
        paths = _paths(file, archive)
        for member, path in track(paths.items(), len(paths), f"unpack {file.name}", progress):
            target = out / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, target.open("xb") as sink:
                shutil.copyfileobj(source, sink)
    return len(paths)


def _paths(file: Path, archive: zipfile.ZipFile) -> dict[str, PurePosixPath]:
    """The target path of each image, by its name in the archive."""
    paths: dict[str, PurePosixPath] = {}
    for member in archive.namelist():
        path = PurePosixPath(member.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise FetchError(
                f"{file}: {member!r} in it leads out of the folder; nothing was unpacked"
            )
        # macOS adds files of its own, with the names of the images.
        hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
        if path.suffix.lower() in IMAGE_SUFFIXES and not hidden and len(path.parts) > 1:
            paths[member] = PurePosixPath(path.parent.name, path.name)
    if len(set(paths.values())) < len(paths):
        raise FetchError(
            f"{file}: two images in it have the same class and name; nothing was unpacked"
        )
    return paths

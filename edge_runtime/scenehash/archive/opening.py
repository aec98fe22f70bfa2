"""Opening scenes of an archive in their places: files, and objects in buckets.

An object is downloaded and opened as a file; a large one is read by windows from the bucket.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scenehash.decode_params import DecodeParams
from scenehash.errors import FetchError, InputError, extra_needed
from scenehash.files import path_from
from scenehash.objects import is_object, stream_object
from scenehash.scenes import Scene, open_scene
from scenehash.scenes.opening import open_object_scene

from .sources import Source

# Companion files that do not count: GDAL gives the same pixels without them.
OVERVIEWS = ".ovr"


@dataclass(frozen=True)
class Opened:
    """An open scene. is_object: it is in a bucket. is_fetched: each opening downloads it."""

    scene: Scene
    is_object: bool = False
    is_fetched: bool = False

    @property
    def stamp(self) -> str | None:
        """A value that changes with its file."""
        return self.scene.digest if self.is_fetched else self.scene.stamp

    @property
    def origin(self) -> Mapping[str, str]:
        """See Scene.origin; for an object, the id of its bytes alone."""
        return {"digest": self.scene.digest} if self.is_object else self.scene.origin


@contextlib.contextmanager
def opened(source: Source, params: DecodeParams) -> Iterator[Opened]:
    """Open a scene; InputError, without its address, as open_scene."""
    if not is_object(source.scene):
        with open_scene(path_from(source.scene), params, source.noted) as scene:
            yield Opened(scene)
        return
    with contextlib.ExitStack() as stack:
        counts = [one for one in source.beside if not one.lower().endswith(OVERVIEWS)]
        if source.is_remote and not counts:
            with extra_needed("geo"):
                from scenehash.scenes.gdal_access import reaching
            stack.enter_context(reaching(source.scene))
            if (windowed := open_object_scene(source.scene, params, source.noted)) is not None:
                with windowed:
                    yield Opened(windowed, is_object=True)
                return
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="scenehash-"))
        with open_scene(_fetched(source, Path(folder)), params, source.noted) as scene:
            yield Opened(scene, is_fetched=True, is_object=True)


def _fetched(source: Source, folder: Path) -> Path:
    """The file of an object, with its companion files, in a temporary folder."""
    *_, parent, name = ["", *source.scene.split("/")]
    home = folder / (parent or "bucket")
    home.mkdir()
    for uri in (source.scene, *source.beside):
        path = home / uri.rpartition("/")[2]
        if path.parent != home or path.name in ("", ".", ".."):
            raise InputError("its name cannot be the name of a file")
        try:
            with path.open("wb") as file:
                stream_object(uri, file.write)
        except InputError as error:
            raise InputError(error.reason) from error
        except OSError as error:
            raise FetchError(f"{path}: cannot be written ({error.strerror})") from error
    return home / name

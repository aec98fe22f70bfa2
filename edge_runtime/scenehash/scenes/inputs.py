"""The scenes of given paths: files, folders of files, STAC documents."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scenehash.errors import InputError
from scenehash.files import path_from, path_text
from scenehash.objects import is_object

from .files import scan
from .stac import Noted, StacOptions, is_stac, read_items


@dataclass
class Inputs:
    """Scene files in their order, absolute, each once.

    notes: facts from STAC items, by file. set_aside: documents and items without a readable scene,
    and the reasons. passed_over: files of other formats in folders, by suffix.
    """

    files: list[Path] = field(default_factory=list)
    notes: dict[Path, Noted] = field(default_factory=dict)
    set_aside: dict[Path, str] = field(default_factory=dict)
    passed_over: Mapping[str, int] = field(default_factory=dict)


def find_inputs(paths: Sequence[Path], stac: StacOptions) -> Inputs:
    """The scenes of paths; a JSON file that is given itself is a STAC document.

    Raises InputError on a path that does not exist, or a folder without scenes.
    """
    found, files, passed_over = Inputs(), dict[Path, None](), Counter[str]()
    for path in paths:
        some = scan([path])
        passed_over.update(some.passed_over)
        if not is_stac(path_text(path)) or some.files != [path.absolute()]:
            files.update(dict.fromkeys(some.files))
            continue
        try:
            items = read_items(path_text(path), stac)
        except InputError as error:
            found.set_aside[path] = error.reason
            continue
        found.set_aside |= {Path(name): reason for name, reason in items.set_aside.items()}
        for place, noted in items.scenes.items():
            if is_object(place):
                found.set_aside[Path(place)] = "in a bucket: scenehash archive hash reads it there"
            else:
                files[path_from(place)] = None
                found.notes[path_from(place)] = noted
    found.files, found.passed_over = list(files), passed_over
    return found

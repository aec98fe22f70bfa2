"""The classes of each image of an archive.

An archive is a folder with one folder per class; or, where an image may have several classes, a
folder of images, in any folders, with one file at its top that lists them all:

    labels.csv    path,forest,river          or    path,labels
                  a/1.png,1,0                      a/1.png,forest
                  a/2.png,1,1                      a/2.png,forest;river

    labels.json   {"a/1.png": ["forest"], "a/2.png": ["forest", "river"]}

Paths are relative to the archive, with forward slashes. Classes are sorted by name.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scenehash.errors import InputError
from scenehash.scenes import image_files

LABEL_FILES = ("labels.csv", "labels.json")
LIST_COLUMN = "labels"
SEPARATOR = ";"

Entry = tuple[str, str, list[str]]


@dataclass(frozen=True)
class Labelling:
    """The names of all classes, and the names of each image's classes, sorted."""

    classes: tuple[str, ...]
    images: dict[Path, tuple[str, ...]]


def find_label_file(root: Path) -> Path | None:
    """The label file of an archive, or None; InputError when there are two."""
    found = [root / name for name in LABEL_FILES if (root / name).is_file()]
    if len(found) > 1:
        raise InputError(f"{root}: {' and '.join(LABEL_FILES)} are both there; keep one")
    return found[0] if found else None


def labels_by_folder(root: Path) -> Labelling:
    """Label each image, at any depth, with the top folder that it is in."""
    folders = sorted(path for path in root.iterdir() if path.is_dir() and image_files(path))
    if len(folders) < 2:
        raise InputError(
            f"{root}: {len(folders)} class folders with images; at least 2 are needed, one per "
            f"class (or a {' or '.join(LABEL_FILES)} beside the images)"
        )
    return Labelling(
        tuple(folder.name for folder in folders),
        {path: (folder.name,) for folder in folders for path in image_files(folder)},
    )


def labels_by_file(file: Path) -> Labelling:
    """Read a label file.

    Raises InputError, which names the line or the image, when the file is malformed, does not match
    the images beside it, or gives an image no class.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read ({error})") from error
    if file.suffix == ".json":
        entries = list(_json_entries(file, text))
        classes = {name for _, _, names in entries for name in names}
    else:
        try:
            entries, classes = _csv_entries(file, text)
        except csv.Error as error:
            raise InputError(f"{file}: not CSV ({error})") from error
    if not entries:
        raise InputError(f"{file}: no images are listed")
    if len(classes) < 2:
        raise InputError(f"{file}: {len(classes)} classes; at least 2 are needed")
    return Labelling(tuple(sorted(classes)), _matched(file, entries))


def _matched(file: Path, entries: Iterable[Entry]) -> dict[Path, tuple[str, ...]]:
    """Check that each image beside the file is listed exactly once, and that no other is."""
    root = file.parent
    there = dict.fromkeys(_images_in(root))
    images: dict[Path, tuple[str, ...]] = {}
    for where, name, classes in entries:
        path = root / name
        if path not in there:
            raise InputError(f"{where}: {name!r} is not an image in {root}")
        if path in images:
            raise InputError(f"{where}: {name} is listed twice")
        if not classes:
            raise InputError(f"{where}: {name} has no class; give it one, or remove it")
        images[path] = tuple(sorted(set(classes)))
    unlisted = [path for path in there if path not in images]
    if unlisted:
        raise InputError(
            f"{file}: {len(unlisted)} images are not listed, such as "
            f"{unlisted[0].relative_to(root)}; list them, or remove them"
        )
    return {path: images[path] for path in there}


def _images_in(root: Path) -> list[Path]:
    """Folders at the top may be links, as class folders may."""
    linked = [path for path in root.iterdir() if path.is_symlink() and path.is_dir()]
    return sorted([*image_files(root), *(path for link in linked for path in image_files(link))])


def _csv_entries(file: Path, text: str) -> tuple[list[Entry], set[str]]:
    rows = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip() for name in next(rows, [])]
    columns = header[1:]
    if not columns:
        raise InputError(
            f"{file}: its first line must name columns: path, then one per class, or {LIST_COLUMN}"
        )
    if "" in columns or len(set(columns)) < len(columns):
        raise InputError(f"{file}: line 1: each column needs a different name")
    if LIST_COLUMN in columns and len(columns) > 1:
        others = ", ".join(name for name in columns if name != LIST_COLUMN)
        raise InputError(f"{file}: line 1: unknown columns beside {LIST_COLUMN}: {others}")
    entries: list[Entry] = []
    for row in rows:
        where = f"{file}: line {rows.line_num}"
        if not row:
            continue
        if len(row) != len(header):
            raise InputError(f"{where}: {len(row)} fields, but the first line has {len(header)}")
        path, *fields = (field.strip() for field in row)
        if columns == [LIST_COLUMN]:
            names = [name.strip() for name in fields[0].split(SEPARATOR) if name.strip()]
        else:
            names = [name for name, set_ in _flags(where, columns, fields) if set_]
        entries.append((where, path, names))
    if columns == [LIST_COLUMN]:
        return entries, {name for _, _, names in entries for name in names}
    return entries, set(columns)


def _flags(where: str, columns: list[str], fields: list[str]) -> Iterator[tuple[str, bool]]:
    for name, field in zip(columns, fields, strict=True):
        if field not in ("0", "1"):
            raise InputError(f"{where}: {field!r} in column {name!r}; a class column holds 0 or 1")
        yield name, field == "1"


def _json_entries(file: Path, text: str) -> Iterator[Entry]:
    try:
        # Pairs: a dict would hide a path that is listed twice.
        listed = json.loads(text, object_pairs_hook=tuple)
    except ValueError as error:
        raise InputError(f"{file}: not JSON ({error})") from error
    if not isinstance(listed, tuple):
        raise InputError(f"{file}: not an object of paths, each with a list of classes")
    for path, names in listed:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(f"{file}: {path} has {names!r}, not a list of class names")
        yield str(file), path, names

"""Labelled archives: a folder a class, and the seeded split that every figure rests on."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_runtime.errors import InputError
from edge_runtime.scenes import content_id, image_files
from edge_runtime.tiles import decode_image

TRAIN_FRACTION = 0.6
MIN_IMAGES_PER_CLASS = 5


@dataclass(frozen=True)
class LabelledImage:
    """An image file, the number of its class, and the id of its content."""

    path: Path
    label: int
    content: str


@dataclass(frozen=True)
class Archive:
    """A data set on disk. fingerprint is a hash over the names and contents of all its images."""

    root: Path
    classes: tuple[str, ...]
    images: tuple[LabelledImage, ...]
    set_aside: tuple[tuple[Path, str], ...]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.root.resolve().name

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits of BLAKE2b."""
        lines = (f"{image.path.relative_to(self.root)} {image.content}\n" for image in self.images)
        return blake2b("".join(lines).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Collection:
    """One or several archives that train together; each class of each is a class of its own."""

    archives: tuple[Archive, ...]

    @property
    def name(self) -> str:
        """The archives' names, joined by a plus."""
        return "+".join(archive.name for archive in self.archives)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of all classes, behind their archive's where there are several."""
        if len(self.archives) == 1:
            return self.archives[0].classes
        return tuple(
            f"{archive.name}/{name}" for archive in self.archives for name in archive.classes
        )

    @property
    def fingerprint(self) -> str:
        """An archive's own; a hash over all of theirs where there are several."""
        if len(self.archives) == 1:
            return self.archives[0].fingerprint
        every = "".join(archive.fingerprint for archive in self.archives)
        return blake2b(every.encode(), digest_size=16).hexdigest()

    @property
    def set_aside(self) -> tuple[tuple[Path, str], ...]:
        """Images that could not be read, and why."""
        return tuple(pair for archive in self.archives for pair in archive.set_aside)

    def split(self, seed: int) -> "Split":
        """Each archive split as it is alone, its classes numbered on from those before it.

        A train image whose content is in the test part of another archive is left out.
        """
        train: list[LabelledImage] = []
        test: list[LabelledImage] = []
        first = 0
        for archive in self.archives:
            part = split(archive.images, seed)
            train += [replace(image, label=first + image.label) for image in part.train]
            test += [replace(image, label=first + image.label) for image in part.test]
            first += len(archive.classes)
        judging = {image.content for image in test}
        return Split(tuple(i for i in train if i.content not in judging), tuple(test))


@dataclass(frozen=True)
class Split:
    """The part that a model and every choice may see, and the part that judges them."""

    train: tuple[LabelledImage, ...]
    test: tuple[LabelledImage, ...]


def read_archive(root: Path, advance: Callable[[int], object] = lambda _: None) -> Archive:
    """Read a folder that has a folder for each class; every image is opened once, to see it whole.

    An image that cannot be read is set aside with its reason. Raises InputError when the folder is
    not there, has fewer than two classes, or a class has too few images to split.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give one that has a folder for each class")
    folders = sorted(path for path in root.iterdir() if path.is_dir() and image_files(path))
    if len(folders) < 2:
        raise InputError(
            f"{root}: {len(folders)} class folders with images; at least 2 are needed, "
            "each class in a folder of its own"
        )
    images: list[LabelledImage] = []
    set_aside: list[tuple[Path, str]] = []
    for label, folder in enumerate(folders):
        for path in image_files(folder):
            try:
                images.append(LabelledImage(path, label, _whole(path)))
            except InputError as error:
                set_aside.append((path, str(error)))
            advance(1)
    _check_classes(root, folders, images)
    return Archive(root, tuple(path.name for path in folders), tuple(images), tuple(set_aside))


def split(images: Sequence[LabelledImage], seed: int) -> Split:
    """Split each class at random, 60 % for training.

    Images of one content stay together, in whatever classes they are, on the side that the draw
    gives the first of them; counts a class are exact unless such images make that impossible.
    """
    rng = np.random.default_rng(seed)
    classes: dict[int, dict[str, list[LabelledImage]]] = defaultdict(lambda: defaultdict(list))
    for image in images:
        classes[image.label][image.content].append(image)
    train: list[LabelledImage] = []
    test: list[LabelledImage] = []
    sides: dict[str, list[LabelledImage]] = {}
    for label in sorted(classes):
        groups = list(classes[label].items())
        room = round(TRAIN_FRACTION * sum(len(group) for _, group in groups))
        drawn = [groups[position] for position in rng.permutation(len(groups))]
        # What an earlier class has placed takes its room first; the sort keeps the draw's order.
        drawn.sort(key=lambda entry: entry[0] not in sides)
        for content, group in drawn:
            side = sides.setdefault(content, train if len(group) <= room else test)
            side.extend(group)
            if side is train:
                room -= len(group)
    return Split(_ordered(train), _ordered(test))


def labels(images: Sequence[LabelledImage]) -> npt.NDArray[np.int64]:
    """The class numbers, int64 [N]."""
    return np.array([image.label for image in images], np.int64)


def _ordered(images: Sequence[LabelledImage]) -> tuple[LabelledImage, ...]:
    return tuple(sorted(images, key=lambda image: image.path))


def _whole(path: Path) -> str:
    """The content id of an image that can be decoded."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})") from error
    decode_image(data)
    return content_id(data)


def _check_classes(root: Path, folders: Sequence[Path], images: Sequence[LabelledImage]) -> None:
    contents: list[set[str]] = [set() for _ in folders]
    for image in images:
        contents[image.label].add(image.content)
    for folder, different in zip(folders, contents, strict=True):
        if len(different) < MIN_IMAGES_PER_CLASS:
            raise InputError(
                f"{root}: class {folder.name} has {len(different)} different readable images; "
                f"at least {MIN_IMAGES_PER_CLASS} are needed to split it"
            )

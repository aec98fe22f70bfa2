"""Labelled archives, and the seeded split behind every figure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenehash.decode_params import DecodeParams
from scenehash.errors import InputError
from scenehash.progress import SILENT, Progress, track
from scenehash.scenes import Tiling, open_scene

from .labelling import find_label_file, labels_by_file, labels_by_folder
from .stratification import stratify

TRAIN_FRACTION = 0.6
MIN_IMAGES_PER_CLASS = 5
# The side of the tile that an image is decoded to, to see that it can be.
CHECKED_SIDE = 256

# Classes int64 [N] where each image has one; memberships bool [N, C] where some have several.
Labels = npt.NDArray[np.int64] | npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LabelledImage:
    """An image file, the numbers of its classes, ascending, and the id of its content."""

    path: Path
    labels: tuple[int, ...]
    content: str

    @property
    def label(self) -> int:
        """The number of its only class."""
        (label,) = self.labels
        return label

    def counted_from(self, first: int) -> "LabelledImage":
        """The same image with its class numbers shifted: class 0 becomes class first."""
        return replace(self, labels=tuple(first + label for label in self.labels))


@dataclass(frozen=True)
class Archive:
    """A data set on disk. A class number is an index into classes."""

    root: Path
    classes: tuple[str, ...]
    images: tuple[LabelledImage, ...]
    set_aside: tuple[tuple[Path, str], ...]
    label_file: Path | None = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.root.resolve().name

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits of BLAKE2b over the names and contents of all images.

        Classes from a label file are included; elsewhere they are part of the names.
        """
        lines = (self._line(image) for image in self.images)
        return blake2b("".join(lines).encode(), digest_size=16).hexdigest()

    def _line(self, image: LabelledImage) -> str:
        line = f"{image.path.relative_to(self.root)} {image.content}\n"
        if self.label_file is None:
            return line
        return line + "".join(f" {self.classes[label]}\n" for label in image.labels)


@dataclass(frozen=True)
class Collection:
    """One or several archives that train one model; no class is shared between archives."""

    archives: tuple[Archive, ...]

    @property
    def name(self) -> str:
        """The archives' names, joined by a plus."""
        return "+".join(archive.name for archive in self.archives)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of all classes, as ARCHIVE/CLASS where there are several archives."""
        if len(self.archives) == 1:
            return self.archives[0].classes
        return tuple(
            f"{archive.name}/{name}" for archive in self.archives for name in archive.classes
        )

    @property
    def fingerprint(self) -> str:
        """The archive's fingerprint; a hash over all of them where there are several."""
        if len(self.archives) == 1:
            return self.archives[0].fingerprint
        every = "".join(archive.fingerprint for archive in self.archives)
        return blake2b(every.encode(), digest_size=16).hexdigest()

    @property
    def set_aside(self) -> tuple[tuple[Path, str], ...]:
        """Images that could not be read, and why."""
        return tuple(pair for archive in self.archives for pair in archive.set_aside)

    def split(self, seed: int) -> "Split":
        """Split each archive as if it were alone; class numbers continue from archive to archive.

        A training image whose content is in the test part of another archive is left out.
        """
        train: list[LabelledImage] = []
        test: list[LabelledImage] = []
        first = 0
        for archive in self.archives:
            part = split(archive.images, seed)
            train += [image.counted_from(first) for image in part.train]
            test += [image.counted_from(first) for image in part.test]
            first += len(archive.classes)
        tested = {image.content for image in test}
        return Split(tuple(i for i in train if i.content not in tested), tuple(test))


@dataclass(frozen=True)
class Split:
    """The part that training and every choice may use, and the part that evaluates them."""

    train: tuple[LabelledImage, ...]
    test: tuple[LabelledImage, ...]


def read_archive(
    root: Path, progress: Progress = SILENT, params: DecodeParams | None = None
) -> Archive:
    """Read a folder with one folder per class, or with a label file (see labelling.py).

    Every image is decoded once, with params; one that cannot be read is set aside with its
    reason. Raises InputError when the folder does not exist, has fewer than two classes, has a
    class with too few images to split, or has a label file that does not match the images.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give one that has a folder for each class")
    label_file = find_label_file(root)
    labelling = labels_by_file(label_file) if label_file else labels_by_folder(root)
    numbers = {name: number for number, name in enumerate(labelling.classes)}
    images: list[LabelledImage] = []
    set_aside: list[tuple[Path, str]] = []
    listed = labelling.images.items()
    for path, names in track(listed, len(listed), f"read {root.name}", progress):
        try:
            content = _content(path, params)
        except InputError as error:
            set_aside.append((path, error.reason))
            continue
        images.append(LabelledImage(path, tuple(numbers[name] for name in names), content))
    _check_classes(root, labelling.classes, images)
    return Archive(root, labelling.classes, tuple(images), tuple(set_aside), label_file)


def split(images: Sequence[LabelledImage], seed: int) -> Split:
    """Split at random, 60 % for training, stratified by class.

    Where images have several classes, by iterative stratification. Images with the same content
    stay on one side, whatever their classes.
    """
    if all(len(image.labels) == 1 for image in images):
        return _split_each_class(images, seed)
    groups: dict[str, list[LabelledImage]] = defaultdict(list)
    for image in images:
        groups[image.content].append(image)
    starts = np.cumsum([0, *(len(group) for group in groups.values())])
    together = [image for group in groups.values() for image in group]
    members = np.logical_or.reduceat(memberships(labels(together)), starts[:-1], axis=0)
    for_training = stratify(members, np.diff(starts), TRAIN_FRACTION, seed)
    sides = np.repeat(for_training, np.diff(starts))
    train = [image for image, side in zip(together, sides, strict=True) if side]
    test = [image for image, side in zip(together, sides, strict=True) if not side]
    return Split(_ordered(train), _ordered(test))


def _split_each_class(images: Sequence[LabelledImage], seed: int) -> Split:
    """Split classes one by one; counts are exact unless one content is in several classes.

    Such a content is on the side that was drawn for the first of its classes.
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
        # Contents that an earlier class has assigned come first; the sort is stable.
        drawn.sort(key=lambda entry: entry[0] not in sides)
        for content, group in drawn:
            side = sides.setdefault(content, train if len(group) <= room else test)
            side.extend(group)
            if side is train:
                room -= len(group)
    return Split(_ordered(train), _ordered(test))


def labels(images: Sequence[LabelledImage]) -> Labels:
    """Classes int64 [N]; memberships bool [N, C] where some images have several classes.

    C is the highest class number plus one.
    """
    if all(len(image.labels) == 1 for image in images):
        return np.array([image.label for image in images], np.int64)
    members = np.zeros((len(images), 1 + max(max(image.labels) for image in images)), np.bool_)
    for row, image in zip(members, images, strict=True):
        row[list(image.labels)] = True
    return members


def memberships(labels: Labels) -> npt.NDArray[np.bool_]:
    """Memberships bool [N, C] of classes int64 [N]; memberships are returned as they are."""
    if labels.dtype == np.bool_:
        return labels.astype(np.bool_, copy=False)
    members: npt.NDArray[np.bool_] = labels[:, np.newaxis] == np.arange(1 + labels.max())
    return members


def _ordered(images: Sequence[LabelledImage]) -> tuple[LabelledImage, ...]:
    return tuple(sorted(images, key=lambda image: image.path))


def _content(path: Path, params: DecodeParams | None) -> str:
    """Decode an image and give its content id."""
    with open_scene(path, params) as scene:
        (window,) = scene.windows(Tiling(whole=True), CHECKED_SIDE)
        scene.pixels(window, CHECKED_SIDE)
        return scene.digest


def _check_classes(root: Path, classes: Sequence[str], images: Sequence[LabelledImage]) -> None:
    contents: list[set[str]] = [set() for _ in classes]
    for image in images:
        for label in image.labels:
            contents[label].add(image.content)
    for name, different in zip(classes, contents, strict=True):
        if len(different) < MIN_IMAGES_PER_CLASS:
            raise InputError(
                f"{root}: class {name} has {len(different)} different readable images; "
                f"at least {MIN_IMAGES_PER_CLASS} are needed to split it"
            )

"""Labelled archives, and the seeded split that every figure rests on."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenehash.errors import InputError
from scenehash.scenes import content_id
from scenehash.scenes.decoding import decode_image

from .labelling import find_label_file, labels_by_file, labels_by_folder
from .stratification import stratify

TRAIN_FRACTION = 0.6
MIN_IMAGES_PER_CLASS = 5

# Of N images: classes int64 [N] where each has one, memberships bool [N, C] where some have more.
Labels = npt.NDArray[np.int64] | npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LabelledImage:
    """An image file, the numbers of its classes in ascending order, and the id of its content."""

    path: Path
    labels: tuple[int, ...]
    content: str

    @property
    def label(self) -> int:
        """The number of its class, where it has one."""
        (label,) = self.labels
        return label

    def counted_from(self, first: int) -> "LabelledImage":
        """The same image, with class 0 as class first."""
        return replace(self, labels=tuple(first + label for label in self.labels))


@dataclass(frozen=True)
class Archive:
    """A data set on disk. Its classes are numbered by their place in classes."""

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

        And over their classes, where those are in a file and not in the names.
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
            train += [image.counted_from(first) for image in part.train]
            test += [image.counted_from(first) for image in part.test]
            first += len(archive.classes)
        judging = {image.content for image in test}
        return Split(tuple(i for i in train if i.content not in judging), tuple(test))


@dataclass(frozen=True)
class Split:
    """The part that a model and every choice may see, and the part that judges them."""

    train: tuple[LabelledImage, ...]
    test: tuple[LabelledImage, ...]


def read_archive(root: Path, advance: Callable[[int], object] = lambda _: None) -> Archive:
    """Read a folder that has a folder for each class, or a label file: see labelling.py.

    Every image is opened once, to see it whole; one that cannot be read is set aside with its
    reason. Raises InputError when the folder is not there, has fewer than two classes, or a class
    has too few images to split, and when a label file and the images beside it do not match.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give one that has a folder for each class")
    label_file = find_label_file(root)
    labelling = labels_by_file(label_file) if label_file else labels_by_folder(root)
    numbers = {name: number for number, name in enumerate(labelling.classes)}
    images: list[LabelledImage] = []
    set_aside: list[tuple[Path, str]] = []
    for path, names in labelling.images.items():
        try:
            images.append(LabelledImage(path, tuple(numbers[name] for name in names), _whole(path)))
        except InputError as error:
            set_aside.append((path, str(error)))
        advance(1)
    _check_classes(root, labelling.classes, images)
    return Archive(root, labelling.classes, tuple(images), tuple(set_aside), label_file)


def split(images: Sequence[LabelledImage], seed: int) -> Split:
    """Split at random, 60 % for training.

    Within each class where an image has one; where some have several, by iterative stratification,
    which splits each class as near to that as the others allow. Images of one content stay
    together, with whatever classes, on one side.
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
    train = [image for image, taken in zip(together, sides, strict=True) if taken]
    test = [image for image, taken in zip(together, sides, strict=True) if not taken]
    return Split(_ordered(train), _ordered(test))


def _split_each_class(images: Sequence[LabelledImage], seed: int) -> Split:
    """Counts a class are exact, unless images of one content in several classes forbid it: those
    are on the side that the draw gives the first of them.
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


def labels(images: Sequence[LabelledImage]) -> Labels:
    """The classes int64 [N]; where some images have several, memberships bool [N, C], C being the
    highest number and one.
    """
    if all(len(image.labels) == 1 for image in images):
        return np.array([image.label for image in images], np.int64)
    members = np.zeros((len(images), 1 + max(max(image.labels) for image in images)), np.bool_)
    for row, image in zip(members, images, strict=True):
        row[list(image.labels)] = True
    return members


def memberships(labels: Labels) -> npt.NDArray[np.bool_]:
    """Memberships bool [N, C], of classes int64 [N] or of what is that already."""
    if labels.dtype == np.bool_:
        return labels.astype(np.bool_, copy=False)
    members: npt.NDArray[np.bool_] = labels[:, np.newaxis] == np.arange(1 + labels.max())
    return members


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

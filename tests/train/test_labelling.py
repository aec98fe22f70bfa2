"""Archives whose images may have several classes: the label file and the split."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash.errors import InputError
from scenehash_train.data import Collection, LabelledImage, labels, memberships, read_archive, split
from scenehash_train.stratification import stratify

from .test_data import make_archive

# Of 20 images in one folder: ten fields, ten with water, five of them both.
NAMES = [f"all/{number}.png" for number in range(20)]
WANTED: dict[str, list[str]] = {name: [] for name in NAMES}
for place, listed in enumerate(NAMES):
    WANTED[listed] += ["field"] if place < 10 else []
    WANTED[listed] += ["water"] if 5 <= place < 15 else []
    WANTED[listed] += ["town"] if place >= 15 else []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_archive(tmp_path / "archive", {"all": 20})


def write_columns(root: Path) -> None:
    lines = ["path,water,field,town"]
    for name, classes in WANTED.items():
        lines.append(
            ",".join([name, *(str(int(c in classes)) for c in ("water", "field", "town"))])
        )
    (root / "labels.csv").write_text("\n".join(lines) + "\n")


def write_lists(root: Path) -> None:
    lines = [f'"{name}",{"; ".join(classes)}' for name, classes in WANTED.items()]
    # A spreadsheet begins a file with a mark, and ends lines as Windows does.
    (root / "labels.csv").write_text("\ufeffpath, labels\r\n" + "\r\n".join(lines))


def write_json(root: Path) -> None:
    (root / "labels.json").write_text(json.dumps(WANTED))


@pytest.mark.parametrize("write", [write_columns, write_lists, write_json])
def test_each_way_to_list_labels_gives_the_same_archive(write, root: Path) -> None:
    write(root)
    archive = read_archive(root)
    assert archive.classes == ("field", "town", "water")
    found = {
        str(image.path.relative_to(root)): sorted(archive.classes[label] for label in image.labels)
        for image in archive.images
    }
    assert found == {name: sorted(classes) for name, classes in WANTED.items()}
    assert memberships(labels(archive.images)).sum(axis=0).tolist() == [10, 5, 10]
    assert not archive.set_aside


def test_the_images_may_be_elsewhere_behind_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "all").symlink_to(root / "all")
    write_json(tmp_path / "mine")
    assert len(read_archive(tmp_path / "mine").images) == 20


def rows(*lines: str) -> str:
    every = [f"{name},1,0" if place < 10 else f"{name},0,1" for place, name in enumerate(NAMES)]
    return "\n".join(["path,a,b", *every[: 20 - len(lines)], *lines]) + "\n"


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("labels.csv", "", "first line must name columns"),
        ("labels.csv", "path\n", "first line must name columns"),
        ("labels.csv", "path,a,b\n", "no images are listed"),
        ("labels.csv", "path,a,a\n", "a different name"),
        ("labels.csv", "path,labels,country\n", "unknown columns beside labels: country"),
        ("labels.csv", rows("all/19.png,0,Austria"), "line 21: 'Austria' in column 'b'"),
        ("labels.csv", rows("all/19.png,1"), "line 21: 2 fields, but the first line has 3"),
        ("labels.csv", rows("all/99.png,1,0"), "line 21: 'all/99.png' is not an image in"),
        ("labels.csv", rows("../archive/all/19.png,1,0"), "is not an image in"),
        ("labels.csv", rows("all/0.png,1,0"), "line 21: all/0.png is listed twice"),
        ("labels.csv", rows("all/19.png,0,0"), "line 21: all/19.png has no class"),
        ("labels.csv", rows(*[""] * 2), "2 images are not listed, such as all/18.png"),
        ("labels.csv", "path,labels\n\"" + "x" * 200_000, "not CSV"),
        ("labels.json", "{", "not JSON"),
        ("labels.json", '{"all/0.png": ["a"], "all/0.png": ["b"]}', "all/0.png is listed twice"),
        ("labels.json", "[]", "not an object of paths"),
        ("labels.json", "{}", "no images are listed"),
        ("labels.json", '{"all/0.png": "field"}', "not a list of class names"),
        ("labels.json", '{"all/0.png": ["field"]}', "1 classes; at least 2"),
        ("labels.json", '{"all/0.png": ["a"], "all/1.png": []}', "1 classes; at least 2"),
        ("labels.json", '{"all/0.png": ["a", "b"], "all/1.png": []}', "all/1.png has no class"),
    ],
)  # fmt: skip
def test_a_label_file_that_does_not_fit_its_images_says_where(
    file: str, text: str, said: str, root: Path
) -> None:
    (root / file).write_text(text)
    with pytest.raises(InputError, match=said) as raised:
        read_archive(root)
    assert str(root) in str(raised.value)


def test_a_column_of_no_image_is_no_class_to_learn(root: Path) -> None:
    write_columns(root)
    lines = (root / "labels.csv").read_text().splitlines()
    (root / "labels.csv").write_text("\n".join([f"{lines[0]},sea", *(f"{x},0" for x in lines[1:])]))
    with pytest.raises(InputError, match="class sea has 0 different readable images"):
        read_archive(root)


def test_two_label_files_are_one_too_many(root: Path) -> None:
    write_json(root)
    write_columns(root)
    with pytest.raises(InputError, match="keep one"):
        read_archive(root)


def test_a_listed_image_that_cannot_be_read_is_set_aside(root: Path) -> None:
    write_json(root)
    (root / NAMES[0]).write_bytes(b"no image")
    archive = read_archive(root)
    assert [path.name for path, _ in archive.set_aside] == ["0.png"]
    assert len(archive.images) == 19


def test_the_fingerprint_depends_on_the_labels_and_not_on_how_they_are_written(root: Path) -> None:
    write_json(root)
    before = read_archive(root).fingerprint
    (root / "labels.json").unlink()
    write_columns(root)
    assert read_archive(root).fingerprint == before
    text = (root / "labels.csv").read_text()
    (root / "labels.csv").write_text(text.replace("all/0.png,0,1,0", "all/0.png,1,1,0"))
    assert read_archive(root).fingerprint != before


def test_one_class_an_image_is_split_as_folders_are(tmp_path: Path) -> None:
    counts = {"field": 9, "forest": 12}
    folders = make_archive(tmp_path / "a", counts)
    listed = make_archive(tmp_path / "b", counts)
    every = {f"{n}/{i}.png": [n] for n, count in counts.items() for i in range(count)}
    (listed / "labels.json").write_text(json.dumps(every))

    def places(root: Path) -> list[Path]:
        return [image.path.relative_to(root) for image in split(read_archive(root).images, 3).train]

    assert places(listed) == places(folders)


def test_archives_of_both_kinds_train_together(root: Path, tmp_path: Path) -> None:
    write_json(root)
    other = make_archive(tmp_path / "other", {"field": 5, "forest": 5})
    for path in other.rglob("*.png"):
        path.write_bytes(path.read_bytes() + b"\0")
    data = Collection((read_archive(other), read_archive(root)))
    assert data.classes[2:] == ("archive/field", "archive/town", "archive/water")
    parts = data.split(0)
    every = (*parts.train, *parts.test)
    assert labels(every).shape == (30, 5)
    both = [image for image in every if image.labels == (2, 4)]
    assert {image.path.stem for image in both} == {"5", "6", "7", "8", "9"}


groups = st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=5, max_size=60)


@given(groups, st.integers(0, 100))
def test_the_rarest_class_is_split_60_to_40_and_each_image_is_on_one_side(
    classes: list[set[int]], seed: int
) -> None:
    images = [
        LabelledImage(Path(f"{number}.png"), tuple(sorted(of_one)), str(number))
        for number, of_one in enumerate(classes)
    ]
    parts = split(images, seed)
    assert sorted(image.path for image in (*parts.train, *parts.test)) == sorted(
        image.path for image in images
    )
    counts = memberships(labels(images)).sum(axis=0)
    rarest = int(np.where(counts > 0, counts, 999).argmin())
    taken = sum(rarest in image.labels for image in parts.train)
    assert abs(taken - 0.6 * counts[rarest]) <= 0.5


@given(groups, st.integers(0, 100))
def test_images_of_one_content_stay_together_whatever_their_classes(
    classes: list[set[int]], seed: int
) -> None:
    images = [
        LabelledImage(Path(f"{number}.png"), tuple(sorted(of_one)), str(number % 4))
        for number, of_one in enumerate(classes)
    ]
    parts = split(images, seed)
    assert not {i.content for i in parts.train} & {i.content for i in parts.test}
    assert len(parts.train) + len(parts.test) == len(images)


def test_every_class_of_a_skewed_archive_is_split_better_than_at_random() -> None:
    rng = np.random.default_rng(0)
    frequencies = np.array([0.6, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01])
    members = rng.random((1000, 7)) < frequencies
    members = members[members.any(axis=1)]
    sizes = np.ones(len(members), np.int64)
    counts = members.sum(axis=0)

    def errors(chosen: np.ndarray) -> np.ndarray:
        return np.abs(members[chosen].sum(axis=0) / counts - 0.6)

    chosen = stratify(members, sizes, 0.6, 1)
    assert np.array_equal(chosen, stratify(members, sizes, 0.6, 1))
    assert not np.array_equal(chosen, stratify(members, sizes, 0.6, 2))
    assert errors(chosen).max() < 0.05
    assert abs(chosen.mean() - 0.6) < 0.01
    ours = np.mean([errors(stratify(members, sizes, 0.6, seed)) for seed in range(10)])
    chance = np.mean(
        [errors(rng.permutation(len(members)) < 0.6 * len(members)) for _ in range(10)]
    )
    assert ours < chance / 3

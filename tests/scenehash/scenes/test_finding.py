"""Finding scene files: what is taken, what is passed over and counted, and what is not entered."""

import os
from pathlib import Path

import pytest

from scenehash.errors import InputError
from scenehash.scenes.files import find_scenes, image_files, scan


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_what_systems_keep_is_no_scene(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "deep/er/b.TIF", "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
         "#recycle/c.png", "._a.jpg", ".DS_Store", ".hidden/d.png", "__MACOSX/e.png",
         "System Volume Information/f.png", "lost+found/g.png", "Thumbs.db")  # fmt: skip
    found = scan([tmp_path])
    assert [path.relative_to(tmp_path).as_posix() for path in found.files] == [
        "a.jpg", "deep/er/b.TIF"
    ]  # fmt: skip
    assert found.passed_over == {}
    assert [path.name for path in image_files(tmp_path)] == ["a.jpg", "b.TIF"]
    assert find_scenes([tmp_path / ".hidden"]) == [tmp_path / ".hidden/d.png"]


def test_other_formats_are_counted_and_companions_are_not(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "b.xyz", "c.XYZ", "d/e.nc", "raw", "a.json", "a.tfw", "a.png.aux.xml",
         "readme.txt", "a.png.part")  # fmt: skip
    (tmp_path / "link").symlink_to(tmp_path / "d")
    found = scan([tmp_path])
    assert found.passed_over == {".xyz": 2, ".nc": 1, "no suffix": 1, "linked folder": 1}


def test_a_folder_that_cannot_be_listed_and_a_pipe_are_left_to_be_set_aside(tmp_path: Path) -> None:
    make(tmp_path, "a.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "dead.png").symlink_to("gone")
    assert [path.name for path in find_scenes([tmp_path])] == ["a.png", "dead.png", "pipe.png"]


@pytest.mark.parametrize("name", ["gone", "x" * 300, "a" + "/x" * 3000])
def test_a_path_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        find_scenes([tmp_path / name])
    assert caught.value.path == tmp_path / name


def test_a_folder_as_deep_as_a_path_can_be_is_walked(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=here)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    make(tmp_path, "a.png")
    # What is deeper than a path may be long cannot be listed, and stands for itself.
    assert find_scenes([tmp_path])[0].name == "a.png"

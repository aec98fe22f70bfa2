"""A file is written whole or not at all."""

import os
from pathlib import Path

import pytest

from scenehash.errors import InputError
from scenehash.files import atomic_path, write_text


def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(ValueError, match="half"), atomic_path(path) as partial:
        partial.write_text("ne")
        raise ValueError("half")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_has_its_name_only_when_it_and_its_folder_are_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flushed, fsync = tmp_path / "a.txt", [], os.fsync

    def noted(descriptor: int) -> None:
        flushed.append((str(Path(f"/proc/self/fd/{descriptor}").readlink()), path.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    with atomic_path(path) as partial:
        partial.write_text("all")
    assert flushed == [(str(partial), False), (str(tmp_path), True)]


def test_what_cannot_be_written_is_an_error_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none/a.txt: cannot be written \(No such file"):
        write_text(tmp_path / "none" / "a.txt", "all")

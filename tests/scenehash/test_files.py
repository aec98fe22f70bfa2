"""Files are written whole or not at all, opened with care, and named by text everywhere."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash.errors import InputError
from scenehash.files import (
    atomic_path,
    check_output,
    check_regular,
    path_from,
    path_text,
    read_regular,
    write_text,
)


@pytest.mark.parametrize("linked", [False, True])
def test_pipes_sockets_devices_and_folders_are_refused_at_once(
    tmp_path: Path, linked: bool
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "socket"))
    places = {"a pipe": tmp_path / "pipe", "a socket": tmp_path / "socket",
              "a device": Path("/dev/zero"), "a folder": tmp_path / "folder"}  # fmt: skip
    for kind, place in places.items():
        path = place
        if linked:
            path = tmp_path / f"{place.name}.png"
            path.symlink_to(place)
        with pytest.raises(InputError, match=f"is {kind}, not a file"):
            read_regular(path, 1000)


def test_a_dead_link_and_a_circle_of_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dead").symlink_to(tmp_path / "gone")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for name in ("dead", "circle", "gone"):
        with pytest.raises(InputError, match="cannot be read"):
            check_regular(tmp_path / name)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.truncate(6 << 30)
    with pytest.raises(InputError, match="6,442,450,944 bytes, and at most 100"):
        read_regular(path, 100)
    path.write_bytes(b"x" * 100)
    assert read_regular(path, 100) == b"x" * 100


def test_what_says_that_it_is_empty_and_is_not_is_not_read_on() -> None:
    with pytest.raises(InputError, match="changed while it was read"):
        read_regular(Path("/proc/self/maps"), 1000)


@given(st.binary(min_size=1, max_size=60).filter(lambda raw: b"/" not in raw and b"\0" not in raw))
def test_every_name_becomes_utf_8_text(raw: bytes) -> None:
    text = path_text(os.fsdecode(raw))
    assert text.encode().decode() == text
    if raw.decode(errors="ignore").encode() == raw:
        assert text == raw.decode()


def test_the_file_of_a_text_is_found_again(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9_\xff.png")
    odd.touch()
    assert path_text(odd) == f"{tmp_path}/caf\\xe9_\\xff.png"
    assert path_from(path_text(odd)) == odd
    literal = tmp_path / "a\\xff.png"
    literal.touch()
    assert path_from(path_text(literal)) == literal
    assert path_from("/gone/a\\xff.png") == Path("/gone/a\\xff.png")


def test_an_error_carries_its_path_and_its_reason() -> None:
    error = InputError("is empty", Path("/in/a.png"))
    assert (str(error), error.path, error.reason) == (
        "/in/a.png: is empty", Path("/in/a.png"), "is empty"
    )  # fmt: skip
    assert str(InputError("is empty")) == "is empty"


def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(ValueError, match="half"), atomic_path(path) as partial:
        partial.write_text("ne")
        raise ValueError("half")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_or_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(InputError, match=r"cannot be written.*a pipe or a device"):
            write_text(path, "all")
        with pytest.raises(InputError, match="cannot be written: it is a pipe or a device"):
            check_output(path)
    assert pipe.is_fifo() and link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, pipe]


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

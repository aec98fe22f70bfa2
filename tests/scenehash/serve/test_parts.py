"""The parts of the server by themselves: uploads, open scenes, readers, map of errors."""

import threading
from pathlib import Path

import pytest

from scenehash import CodeStore, ScenehashError
from scenehash.decode_params import DecodeParams
from scenehash.errors import (
    ConfigurationError,
    InputError,
    LineageError,
    MissingExtraError,
    NotStoredError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
)
from scenehash.report.contact_sheet import write_picture
from scenehash.serve.open_scenes import MOST_OPEN, OpenScenes
from scenehash.serve.problems import document_of
from scenehash.serve.readers import OpenStore, Readers
from scenehash.serve.uploads import LIFETIME, Upload, Uploads
from scenehash.serve.warming import warming
from scenehash.store.records import SceneFile

from ...scenes import draw
from ..store.samples import make
from .stations import wait_for


def kept(uploads: Uploads, path: Path, name: str = "a.png") -> Upload:
    with uploads.receiving() as file:
        file.write(path.read_bytes())
        return uploads.add(file, name)


def test_an_upload_expires_and_leaves_no_file(tmp_path: Path) -> None:
    now = [0.0]
    write_picture(tmp_path / "a.png", draw("harbor", 1))
    uploads = Uploads(1_000_000, lambda: now[0])
    upload = kept(uploads, tmp_path / "a.png")
    assert uploads.get(upload.id) == upload
    assert uploads.open(upload, DecodeParams()).width == 256
    now[0] = LIFETIME.total_seconds() - 1
    again = kept(uploads, tmp_path / "a.png", "b.png")
    assert (again.id, again.name) == (upload.id, "b.png")
    now[0] += LIFETIME.total_seconds() - 1
    assert uploads.get(upload.id).name == "b.png"
    now[0] += 2
    with pytest.raises(NotStoredError, match="send the image again"):
        uploads.get(upload.id)
    assert not upload.path.exists()
    assert upload.path.parent.parent.is_dir()
    uploads.close()
    assert not upload.path.parent.parent.exists()


def test_so_many_uploads_come_at_once_and_no_more() -> None:
    uploads = Uploads(1000)
    held = [uploads.receiving() for _ in range(8)]
    for one in held:
        one.__enter__()
    with pytest.raises(StoreBusyError, match="are coming already"), uploads.receiving():
        pass
    for one in held:
        one.__exit__(None, None, None)
    with uploads.receiving():
        pass
    uploads.close()


def test_a_name_of_an_upload_is_one_line() -> None:
    uploads = Uploads(1000)
    with uploads.receiving() as file, pytest.raises(InputError, match="empty"):
        uploads.add(file, "x")
    uploads.close()


def reading(path: Path) -> SceneFile:
    return SceneFile(str(path), {"bands": [1, 2, 3]})


def test_a_scene_stays_open_until_it_changes_or_others_need_its_place(tmp_path: Path) -> None:
    now = [0.0]
    scenes = OpenScenes(lambda: now[0])
    for number in range(MOST_OPEN + 2):
        write_picture(tmp_path / f"{number}.png", draw("harbor", number))
    with scenes.scene(*reading(tmp_path / "0.png")) as first:
        pass
    with scenes.scene(*reading(tmp_path / "0.png")) as again:
        assert again is first
    write_picture(tmp_path / "0.png", draw("forest", 1))
    with scenes.scene(*reading(tmp_path / "0.png")) as changed:
        assert changed is not first
    for number in range(1, MOST_OPEN + 2):
        with scenes.scene(*reading(tmp_path / f"{number}.png")):
            pass
    with scenes.scene(*reading(tmp_path / "0.png")) as reopened:
        assert reopened is not changed
    now[0] = 61.0
    with scenes.scene(*reading(tmp_path / "0.png")) as later:
        assert later is not reopened
    (tmp_path / "0.png").unlink()
    with (
        pytest.raises(InputError, match=r"0\.png: cannot be read"),
        scenes.scene(*reading(tmp_path / "0.png")),
    ):
        pass
    scenes.close()


def test_a_scene_that_is_in_use_is_closed_when_it_is_given_back(tmp_path: Path) -> None:
    scenes = OpenScenes()
    write_picture(tmp_path / "a.png", draw("harbor", 1))
    closed = []
    with scenes.scene(*reading(tmp_path / "a.png")) as scene:
        scene.close = lambda: closed.append(True)  # type: ignore[method-assign]
        scenes.close()
        assert closed == []
        assert scene.overview(64).shape == (64, 64, 3)
    assert closed == [True]


def test_two_who_ask_for_one_scene_open_it_once(tmp_path: Path) -> None:
    scenes = OpenScenes()
    write_picture(tmp_path / "a.png", draw("harbor", 1))
    found = []

    def look() -> None:
        with scenes.scene(*reading(tmp_path / "a.png")) as scene:
            found.append(scene)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1
    scenes.close()


def test_readers_are_given_out_one_at_a_time_and_follow_the_store(tmp_path: Path) -> None:
    make(tmp_path / "s", 2).close()
    readers = Readers("s", lambda: OpenStore(tmp_path / "s"), 2)
    with readers.store() as first, readers.store() as second:
        assert first is not second
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        from ..store.samples import scene

        store.add([scene(9)])
    with readers.store() as reader:
        assert len(reader) == 4
    readers.close()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotStoredError("x"), 404), (StoreBusyError("x"), 503), (StoreDamagedError("x"), 500),
        (LineageError("x"), 409), (StoreError("x"), 409), (ConfigurationError("x"), 422),
        (InputError("x", "y"), 422), (MissingExtraError("rasterio", "geo"), 501),
        (ScenehashError("x"), 500), (OSError("/secret"), 500),
    ],
)  # fmt: skip
def test_each_error_has_its_status(error: Exception, status: int) -> None:
    document = document_of(error)
    assert document["status"] == status
    assert "secret" not in str(document)


def test_a_server_compares_scenes_before_anybody_searches(tmp_path: Path) -> None:
    with make(tmp_path / "s", 50):
        pass

    def compared() -> bool:
        with CodeStore.open(tmp_path / "s") as store:
            scenes = store._catalog.scenes
            return all(
                store._snapshot.origin.sound_rows(entry.number, entry.checksum) is not None
                for entry in scenes.entries(scenes.numbers())
            )

    assert not compared()
    with warming(tmp_path / "s"):
        wait_for(compared)
    # A store that cannot be read is told to who asks for it.
    with warming(tmp_path / "nowhere"):
        pass

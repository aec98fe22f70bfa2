"""Of thumbnails that are damaged the others show; see test_tile_files.py for what all have."""

import sqlite3
from pathlib import Path

from scenehash import CodeStore, Filter
from scenehash.store import THUMBNAILS

from .tile_parts import THUMBNAIL_PART


def test_of_a_torn_file_what_can_be_read_is_kept(tmp_path: Path) -> None:
    THUMBNAIL_PART.store(tmp_path / "s", 60).close()
    file = tmp_path / "s" / THUMBNAILS
    pages = file.stat().st_size // 4096
    with file.open("r+b") as torn:
        torn.seek(4096 * (pages // 2))
        torn.write(b"\xff" * 4096)
    with CodeStore.open(tmp_path / "s", writable=True) as store:
        store.keep_thumbnails()
        found = len(store.thumbnails.of(range(store.rows)))
        assert 0.5 * store.rows < found < store.rows
        THUMBNAIL_PART.check(store, store.rows - found)


def test_a_changed_byte_hides_one_thumbnail_and_no_other_is_shown_for_it(tmp_path: Path) -> None:
    THUMBNAIL_PART.store(tmp_path / "s", 6).close()
    with sqlite3.connect(tmp_path / "s" / THUMBNAILS) as file:
        file.execute("UPDATE thumbnail SET jpeg = jpeg || 'x' WHERE row = 1")
        file.execute("UPDATE thumbnail SET jpeg = 'text' WHERE row = 2")
        file.execute(
            "UPDATE thumbnail SET (jpeg, seal) = (SELECT jpeg, seal FROM thumbnail WHERE row = 5) "
            "WHERE row = 3"
        )
    with CodeStore.open(tmp_path / "s") as store:
        THUMBNAIL_PART.check(store, missing=3)
        assert store.thumbnails.of(range(6)).keys() == {0, 4, 5}


def test_nothing_of_a_deleted_scene_is_left_in_the_file(tmp_path: Path) -> None:
    with THUMBNAIL_PART.store(tmp_path / "s", 12) as store:
        deleted = store.contents()[5].encode()
        store.delete(Filter(scene="/scenes/5.png"))
        store.compact()
    with sqlite3.connect(tmp_path / "s" / THUMBNAILS) as file:
        left = b"".join(jpeg for (jpeg,) in file.execute("SELECT jpeg FROM thumbnail"))
    assert left
    assert deleted not in left

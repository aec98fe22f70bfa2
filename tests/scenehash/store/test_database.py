"""SQLite as a store needs it."""

import shutil
import sqlite3
from pathlib import Path

from scenehash.store.catalog.database import connect


def test_a_file_whose_maker_was_killed_can_be_read(tmp_path: Path) -> None:
    made, left = tmp_path / "made.sqlite", tmp_path / "left.sqlite"
    writer = sqlite3.connect(made, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("CREATE TABLE t (x)")
    writer.execute("BEGIN IMMEDIATE")
    writer.executemany("INSERT INTO t VALUES (?)", [(bytes(4000),)] * 50)
    # As a kill leaves them: the file half written, and the journal that undoes it.
    journal = made.with_name("made.sqlite-journal")
    assert journal.stat().st_size > 0
    shutil.copy(made, left)
    shutil.copy(journal, left.with_name("left.sqlite-journal"))
    writer.close()
    reader = connect(left, writable=False)
    assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
    reader.close()

import json
from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, Filter
from scenehash.errors import InputError, StoreDamagedError, StoreError
from scenehash.report.tables import write_table

from ..store.samples import make, placed


@pytest.fixture
def store(tmp_path: Path) -> CodeStore:
    store = make(tmp_path / "s", 5)
    store.add([placed(20, 3, (7.0, 46.0), ("lake", "Zürich"))])
    store.delete(Filter(scene="/scenes/1.png"))
    return store


def test_parquet_has_every_tile_with_its_code_and_its_polygon(
    store: CodeStore, tmp_path: Path
) -> None:
    from pyarrow import parquet

    rows = [record.first_row + tile for record, _ in store.scenes() for tile in range(record.tiles)]
    assert write_table(store, tmp_path / "t.parquet") == len(store) == len(rows)
    table = parquet.read_table(tmp_path / "t.parquet")
    assert sorted(table["row"].to_pylist()) == rows
    # Tiles without a footprint come last.
    assert table["footprint"].to_pylist()[-1] is None
    table = table.sort_by("row")
    assert str(table.schema.field("code").type) == "fixed_size_binary[8]"
    codes = np.frombuffer(b"".join(table["code"].to_pylist()), np.uint8).reshape(-1, 8)
    assert np.array_equal(codes, store.codes(np.array(rows)))
    last = table.slice(len(rows) - 1).to_pylist()[0]
    assert (last["scene"], last["x"], last["labels"]) == ("/scenes/20.png", 512, ["Zürich", "lake"])
    assert last["time"].isoformat() == "2026-01-21T00:00:00+00:00"
    ring = np.frombuffer(last["footprint"][13:], "<f8").reshape(5, 2)
    assert ring[[0, 2, 4]].round(6).tolist() == [[7.02, 46.0], [7.03, 46.01], [7.02, 46.0]]
    metadata = table.schema.metadata
    assert json.loads(metadata[b"geo"])["columns"]["footprint"]["encoding"] == "WKB"
    assert metadata[b"scenehash.lineage"].decode() == store.lineage


def test_npz_has_the_same_and_no_pickle(store: CodeStore, tmp_path: Path) -> None:
    assert write_table(store, tmp_path / "t.npz") == len(store)
    with np.load(tmp_path / "t.npz", allow_pickle=False) as table:
        assert np.array_equal(table["code"], store.codes(table["row"]))
        assert table["scene_path"][table["scene"]][-1] == "/scenes/20.png"
        assert np.isnan(table["footprint"][0]).all()
        assert np.isnan(table["scene_time"][0])
        assert table["footprint"][-1][0].round(6).tolist() == [7.02, 46.0]
        assert str(table["lineage"]) == store.lineage


@pytest.mark.parametrize("name", ["t.parquet", "t.npz"])
def test_an_empty_store_is_an_empty_table(tmp_path: Path, name: str) -> None:
    with make(tmp_path / "s") as store:
        assert write_table(store, tmp_path / name) == 0
    assert (tmp_path / name).stat().st_size > 0


def test_what_cannot_be_written_leaves_nothing_behind(store: CodeStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="must end in"):
        write_table(store, tmp_path / "t.csv")
    with pytest.raises(InputError, match="there is no folder"):
        write_table(store, tmp_path / "nowhere" / "t.npz")
    with pytest.raises(InputError, match="inside the store's folder"):
        write_table(store, tmp_path / "s" / "t.npz")
    codes = tmp_path / "s" / "codes.bin"
    codes.write_bytes(b"\xff" + codes.read_bytes()[1:])
    for name in ("t.parquet", "t.npz"):
        with pytest.raises(StoreDamagedError, match=r"/scenes/0\.png"):
            write_table(store, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["s"]

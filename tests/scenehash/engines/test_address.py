"""Addresses of engines, and what is said of those that make no sense."""

import pytest

from scenehash.cli.main import build_app
from scenehash.engines import Address, EngineStore
from scenehash.errors import ConfigurationError, EngineError, StoreError
from scenehash.store import CodeStore


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("milvus://here/tiles?consistency=weak", "no such consistency as weak; give bounded or"),
        ("milvus://here/tiles?tls=yes", "no such tls as yes; give 0 or 1"),
        ("milvus://here/tiles?tls=", "no such tls as ; give"),
        ("milvus://here/tiles?tsl=1", "no such option as tsl; there is tls"),
        ("pg://here/archive/tiles?sslmode=always", "no such sslmode as always; give disable or"),
        ("milvus://root@here/tiles", "in SCENEHASH_MILVUS_TOKEN"),
        ("milvus:///folder/tiles", r"no file of Milvus Lite \(.db\)"),
        ("milvus://here/ti-les", "no collection"),
        ("pg://here/tiles", "a part of the address is missing"),
        ("mysql://here/archive/tiles", "not the address of an engine"),
    ],
)
def test_what_makes_no_sense_in_an_address_is_said_before_anything_is_asked(text, what):
    with pytest.raises(ConfigurationError, match=what):
        Address.of(text)


def test_an_address_has_its_options():
    address = Address.of("milvus://here/tiles?consistency=strong&database=archive")
    assert address.option("consistency", "") == "strong"
    assert address.option("database", "") == "archive"
    assert address.option("tls", "0") == "0"
    assert address.file is None


def test_a_search_makes_no_file_where_nothing_was_pushed(tmp_path):
    with pytest.raises(EngineError, match="nothing was pushed there"):
        EngineStore.open(f"milvus://{tmp_path}/typo.db/tiles")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["milvus://127.0.0.1:1/tiles", "pg://here/a/tiles", "s3://b/c"])
def test_an_address_where_a_folder_is_needed_makes_no_folder(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="an address, but a store is a folder"):
        CodeStore.create(text, "0" * 16, 64, "m")
    with pytest.raises(SystemExit) as ended:
        build_app()(["alert", "list", "--store", text])
    assert ended.value.code == 1
    assert "an address, but a store is a folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

"""Bundles on machines that have keys: signed by one of them, or refused before a head is parsed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scenehash import CodeStore
from scenehash.link import PackOptions, apply_bundles, pack_bundle
from scenehash.link import bundle as bundle_room
from scenehash.trust import add_key, make_key, revoke_key

from ..store.samples import placed
from .test_exchange import station

NOW = datetime.now(UTC)


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of a station that has a key, for a ground store that knows it."""
    make_key(tmp_path / "one.pem")
    monkeypatch.setenv("SCENEHASH_TRUST", str(tmp_path / "trust.json"))
    monkeypatch.setenv("SCENEHASH_SIGNING_KEY", str(tmp_path / "one.pem"))
    station(tmp_path / "one", "one", placed(0, 3))
    path = Path(pack_bundle(tmp_path / "one", "ground", tmp_path, PackOptions(2000)).path or "")
    assert path.stat().st_size <= 2000
    add_key(tmp_path / "one.pem.pub", "one", NOW + timedelta(days=9))
    return path


def applied(tmp_path: Path, path: Path) -> list[str]:
    (one,) = apply_bundles([path], tmp_path / "ground")
    return one.set_aside


def test_a_signed_bundle_is_taken(tmp_path: Path, signed: Path) -> None:
    assert applied(tmp_path, signed) == []
    with CodeStore.open(tmp_path / "ground") as ground:
        assert len(ground) == 3


def unsigned(data: bytes) -> bytes:
    length = int.from_bytes(data[6:8], "little")
    return data[:8] + b"\0\0" + data[10 : 10 + length] + data[10 + length + 72 :]


def head_changed(data: bytes) -> bytes:
    return data[:30] + bytes([data[30] ^ 1]) + data[31:]


def signature_changed(data: bytes) -> bytes:
    at = 10 + int.from_bytes(data[6:8], "little") + 70
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def another_key(data: bytes) -> bytes:
    at = 10 + int.from_bytes(data[6:8], "little")
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def signature_cut(data: bytes) -> bytes:
    return data[:8] + b"\x47\0" + data[10:]


def claims_a_long_signature(data: bytes) -> bytes:
    return data[:8] + b"\xff\xff" + data[10:]


ATTACKS = {
    unsigned: "it is not signed, and this machine has keys",
    head_changed: "does not match the key",
    signature_changed: "does not match the key",
    another_key: "which is unknown here",
    signature_cut: "71 bytes long; a valid one is 72",
    claims_a_long_signature: "a signature of 65,535 bytes",
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_bundle_that_was_changed_is_refused_before_its_head_is_parsed(
    tmp_path: Path, signed: Path, attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed.write_bytes(attack(signed.read_bytes()))
    parsed: list[object] = []
    monkeypatch.setattr(bundle_room, "parse_head", parsed.append)
    (line,) = applied(tmp_path, signed)
    assert ATTACKS[attack] in line and not parsed and not (tmp_path / "ground").exists()


def test_a_revoked_key_signs_no_bundle(tmp_path: Path, signed: Path) -> None:
    revoke_key("one")
    (line,) = applied(tmp_path, signed)
    assert "(one) was revoked" in line


def test_an_expired_key_signs_no_bundle(
    tmp_path: Path, signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenehash.trust.verifier.clock", lambda: NOW + timedelta(days=20))
    (line,) = applied(tmp_path, signed)
    assert "expired" in line


def test_a_machine_without_keys_takes_a_signed_bundle(
    tmp_path: Path, signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENEHASH_TRUST", str(tmp_path / "none.json"))
    assert applied(tmp_path, signed) == []


def test_a_bundle_that_comes_again_changes_nothing(tmp_path: Path, signed: Path) -> None:
    assert applied(tmp_path, signed) == applied(tmp_path, signed) == []
    with CodeStore.open(tmp_path / "ground") as ground:
        assert len(ground) == 3

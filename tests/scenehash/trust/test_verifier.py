"""What a machine with keys takes, and that it goes on: clocks, restarts, its own adaptations."""

import base64
import hashlib
import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scenehash import HashModel
from scenehash.diagnose.checks import check_trust
from scenehash.errors import InputError, ModelError, TrustError
from scenehash.model.model_file import shipped_model
from scenehash.model.trusted import read_trusted, remember_own, sign_model, verify_model
from scenehash.trust import (
    Verifier,
    add_key,
    check_head,
    make_key,
    read_state,
    revoke_key,
    sign_file,
    sign_head,
    state,
)
from tests.tiny_model import tiny_model

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
BUNDLE = "application/vnd.scenehash.bundle"

pytestmark = pytest.mark.usefixtures("trust")


@pytest.fixture
def trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "settings" / "trust.json"
    monkeypatch.setenv("SCENEHASH_TRUST", str(path))
    monkeypatch.delenv("SCENEHASH_SIGNING_KEY", raising=False)
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    make_key(tmp_path / "ground.pem")
    return tmp_path / "ground.pem"


def public(key: Path) -> Path:
    return key.with_name(key.name + ".pub")


def test_a_machine_without_keys_takes_everything_and_says_so(tmp_path: Path, trust: Path) -> None:
    model = HashModel.load(tiny_model(tmp_path / "m.onnx"))
    assert model.trusted is None and not trust.exists()
    found = check_trust()
    assert found.verdict == "note" and "from anyone" in found.what


def test_a_signed_model_is_taken_and_remembered(tmp_path: Path, trust: Path, key: Path) -> None:
    add_key(public(key), "ground")
    path = tiny_model(tmp_path / "m.onnx")
    claim = sign_model(path, key, number=3, now=NOW)
    assert verify_model(path) == claim and not read_state(trust).series
    assert HashModel.load(path).trusted == claim
    seen = read_state(trust)
    assert seen.series["tiny-tiny"].number == 3 and list(seen.accepted) == [claim.sha256]
    # A copy, such as a store keeps, needs no signature any more.
    (tmp_path / "copy.onnx").write_bytes(path.read_bytes())
    HashModel.load(tmp_path / "copy.onnx")
    newer = tiny_model(tmp_path / "n.onnx", "newer", seed=4)
    sign_model(newer, key, "tiny-tiny", 4)
    HashModel.load(newer)
    with pytest.raises(ModelError, match="number 3 of 'tiny-tiny', and number 4 was seen"):
        HashModel.load(path)


def test_one_lineage_of_two_files_is_earned_by_equal_codes(
    tmp_path: Path, trust: Path, key: Path
) -> None:
    """As an FP32 and an INT8 file of one run."""
    add_key(public(key), "ground")
    for number, name in enumerate(("first", "second")):
        path = tiny_model(tmp_path / f"{name}.onnx")
        if number:
            path.write_bytes(path.read_bytes().replace(b"Apache-2.0", b"Apache-2.1"))
        sign_model(path, key, "tiny", number)
        HashModel.load(path)
    assert list(read_state(trust).lineages) == ["tiny"]


def test_files_that_came_with_scenehash_are_as_trusted_as_its_code(
    tmp_path: Path, key: Path
) -> None:
    add_key(public(key), "ground")
    assert read_trusted(shipped_model())[1] is None
    data = bytearray(shipped_model().read_bytes())
    (tmp_path / "kept.onnx").write_bytes(data)
    assert read_trusted(tmp_path / "kept.onnx")[1] is None
    data[-1] ^= 1
    (tmp_path / "kept.onnx").write_bytes(data)
    with pytest.raises(ModelError, match="not signed"):
        read_trusted(tmp_path / "kept.onnx")


def test_what_was_made_here_is_trusted_until_its_key_is_revoked(tmp_path: Path, key: Path) -> None:
    add_key(public(key), "ground")
    base = tiny_model(tmp_path / "m.onnx")
    sign_model(base, key)
    loaded = HashModel.load(base)
    own = tiny_model(tmp_path / "adapted.onnx", adapted=True, seed=2)
    with pytest.raises(ModelError, match="not signed"):
        HashModel.load(own)
    HashModel.load(own, made_here=True)
    remember_own(own, loaded.card, loaded.trusted)
    HashModel.load(own)
    revoke_key("ground")
    with pytest.raises(ModelError, match="was revoked"):
        HashModel.load(own)


def test_a_wrong_clock_harms_nothing_for_good(
    tmp_path: Path, trust: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_key(public(key), "ground", NOW + 30 * DAY)
    path, newer = tiny_model(tmp_path / "m.onnx"), tiny_model(tmp_path / "n.onnx", "n", seed=3)
    sign_model(path, key, "tiny", 1, NOW)
    sign_model(newer, key, "tiny", 2, NOW + 20 * DAY)

    def clock(time: datetime) -> None:
        monkeypatch.setattr("scenehash.trust.verifier.clock", lambda: time)

    clock(NOW + 400 * DAY)
    with pytest.raises(ModelError, match="expired"):
        HashModel.load(path)
    clock(NOW - 4000 * DAY)
    HashModel.load(path)
    # What was accepted is taken whatever the clock says, and a new key's file by what was signed.
    clock(NOW + 400 * DAY)
    HashModel.load(path)
    clock(NOW)
    HashModel.load(newer)
    assert read_state(trust).newest == NOW + 20 * DAY
    make_key(tmp_path / "old.pem")
    add_key(tmp_path / "old.pem.pub", "old", NOW + 10 * DAY)
    third = tiny_model(tmp_path / "t.onnx", "t", seed=5)
    sign_model(third, tmp_path / "old.pem", "tiny", 3, NOW)
    clock(NOW - 4000 * DAY)
    with pytest.raises(ModelError, match=r"\(old\) expired"):
        HashModel.load(third)


def test_a_key_that_never_expires_cannot_move_the_clock(
    tmp_path: Path, trust: Path, key: Path
) -> None:
    add_key(public(key), "ground")
    path = tiny_model(tmp_path / "m.onnx")
    sign_model(path, key, now=NOW + 40_000 * DAY, number=1)
    HashModel.load(path)
    assert read_state(trust).newest is None


def test_a_power_cut_leaves_the_state_whole(
    trust: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_key(public(key), "ground")
    before = trust.read_bytes()

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(TrustError, match="cannot be written"):
        revoke_key("ground")
    assert trust.read_bytes() == before


def test_a_state_that_cannot_be_written_takes_nothing_new(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_key(public(key), "ground")
    path = tiny_model(tmp_path / "m.onnx")
    sign_model(path, key)

    def fails(*_: object) -> None:
        raise InputError("cannot be written (Read-only file system)")

    monkeypatch.setattr(state, "write_text", fails)
    with pytest.raises(ModelError, match="Read-only file system"):
        HashModel.load(path)


def test_a_state_that_cannot_be_reached_is_no_absent_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, nothing = tmp_path / "loop", tmp_path / "link.json"
    loop.symlink_to(loop)
    nothing.symlink_to(tmp_path / "not mounted" / "trust.json")
    model = tiny_model(tmp_path / "m.onnx")
    for path in (loop / "trust.json", nothing):
        monkeypatch.setenv("SCENEHASH_TRUST", str(path))
        with pytest.raises(TrustError, match="no signed file is accepted until it can be read"):
            Verifier()
        with pytest.raises(ModelError, match="not trusted"):
            read_trusted(model)


def test_a_private_key_is_for_its_owner_and_never_overwritten(key: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with pytest.raises(InputError, match="never overwritten"):
        make_key(key)
    with pytest.raises(InputError, match="no public key"):
        add_key(key, "private")
    key.write_text("text")
    with pytest.raises(InputError, match="no usable private key"):
        sign_head(b"x", BUNDLE, key)


def test_a_revoked_key_does_not_come_back(key: Path) -> None:
    add_key(public(key), "ground")
    revoke_key("ground")
    with pytest.raises(TrustError, match="was revoked"):
        add_key(public(key), "ground")
    with pytest.raises(TrustError, match="0 keys have this name"):
        revoke_key("nobody")
    assert check_trust().verdict == "warning"


def test_a_head_is_signed_and_checked(tmp_path: Path, trust: Path, key: Path) -> None:
    assert sign_head(b"head", BUNDLE) == b"" and check_head(b"head", b"", BUNDLE) is None
    known = add_key(public(key), "ground", NOW + DAY)
    signature = sign_head(b"head", BUNDLE, key)
    assert len(signature) == 72 and check_head(b"head", signature, BUNDLE, NOW) == known
    key.rename(trust.with_name("signing-key.pem"))
    assert sign_head(b"head", BUNDLE) == signature
    other = tmp_path / "other.pem"
    make_key(other)
    for head, one, kind, now, reason in [
        (b"head", b"", BUNDLE, NOW, "not signed"),
        (b"heal", signature, BUNDLE, NOW, "does not match the key"),
        (b"head", signature, "text/plain", NOW, "does not match the key"),
        (b"head", signature[:-1], BUNDLE, NOW, "71 bytes"),
        (b"head", signature + b"\0", BUNDLE, NOW, "73 bytes"),
        (b"head", signature[:-1] + b"\xff", BUNDLE, NOW, "does not match the key"),
        (b"head", sign_head(b"head", BUNDLE, other), BUNDLE, NOW, "unknown here"),
        (
            b"head",
            signature[:8] + sign_head(b"head", BUNDLE, other)[8:],
            BUNDLE,
            NOW,
            "does not match",
        ),
        (b"head", signature, BUNDLE, NOW + 2 * DAY, "expired"),
    ]:
        with pytest.raises(TrustError, match=reason):
            check_head(head, one, kind, now)
    revoke_key(known)
    with pytest.raises(TrustError, match="revoked"):
        check_head(b"head", signature, BUNDLE, NOW)


def test_a_signature_is_one_of_the_openssf_format(tmp_path: Path, key: Path) -> None:
    """But for the kind of key: what the format's own tool would read is there."""
    path = tmp_path / "file.bin"
    path.write_bytes(b"data")
    claim = sign_file(path, key, "file", "files", 1, now=NOW)
    document = json.loads(path.with_name("file.bin.sig").read_text())
    assert document["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    envelope = document["dsseEnvelope"]
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert statement["predicateType"] == "https://model_signing/signature/v1.0"
    (resource,) = statement["predicate"]["resources"]
    assert resource["digest"] == hashlib.sha256(b"data").hexdigest() == claim.sha256
    root = hashlib.sha256(bytes.fromhex(resource["digest"])).hexdigest()
    assert statement["subject"] == [{"name": "file.bin", "digest": {"sha256": root}}]
    add_key(public(key), "ground")
    assert Verifier().verify(path) == claim

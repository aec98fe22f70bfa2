"""Attacks on a model, its signature and the trusted state: each refused, with its own reason.

Refused means: before ONNX Runtime sees a byte, within 50 MB, and with the trusted state as it was.
"""

import base64
import json
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scenehash import HashModel
from scenehash.errors import ModelError
from scenehash.files import MAX_MODEL_BYTES
from scenehash.model import hash_model
from scenehash.model.card import Card
from scenehash.model.inspection import inspect_model
from scenehash.model.trusted import sign_model
from scenehash.trust import add_key, change_state, make_key, revoke_key, sign_file
from scenehash.trust.keys import read_private_key
from scenehash.trust.signature import encoded
from tests.scenehash.model.wire import METADATA, changed_field, field, varint, with_card
from tests.tiny_model import tiny_model

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
LARGE = MAX_MODEL_BYTES


@dataclass
class Scene:
    """A station with one key, which has taken number 5 of a series; and the key's owner.

    model: number 6, of the same lineage, which has just come.
    """

    folder: Path
    model: Path
    key: Path
    state: Path

    @property
    def first(self) -> Path:
        """Number 5."""
        return self.folder / "first.onnx"

    @property
    def signature(self) -> Path:
        return self.model.with_name(self.model.name + ".sig")

    def begin(self, first: Path) -> None:
        self.sign(first, 5)
        HashModel.load(first)
        data = first.read_bytes()
        card = Card.from_json(inspect_model(data).card).model_copy(update={"licence": "MIT-0"})
        self.model.write_bytes(with_card(data, card.to_json()))
        self.sign(self.model, 6)

    def other(self, name: str = "other", seed: int = 1, **more: Any) -> Path:
        return tiny_model(self.folder / f"{name}.onnx", seed=seed, **more)

    def sign(self, path: Path, number: int, **more: Any) -> None:
        sign_model(path, more.pop("key", self.key), "tiny", number, **more)

    def envelope(self, change: Callable[[dict[str, Any]], None]) -> None:
        document = json.loads(self.signature.read_text())
        change(document["dsseEnvelope"])
        self.signature.write_text(json.dumps(document))

    def statement(self, change: Callable[[dict[str, Any]], None], key: Path | None = None) -> None:
        """Change what is signed; with a key, sign that again."""

        def changed(envelope: dict[str, Any]) -> None:
            statement = json.loads(base64.b64decode(envelope["payload"]))
            change(statement)
            payload = json.dumps(statement).encode()
            envelope["payload"] = base64.b64encode(payload).decode()
            if key is not None:
                signed = read_private_key(key).sign(encoded(envelope["payloadType"], payload))
                envelope["signatures"][0]["sig"] = base64.b64encode(signed).decode()

        self.envelope(changed)

    def unknown_key(self) -> Path:
        make_key(self.folder / "unknown.pem")
        return self.folder / "unknown.pem"


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene(tmp_path, tmp_path / "m.onnx", tmp_path / "ground.pem", tmp_path / "trust.json")
    monkeypatch.setenv("SCENEHASH_TRUST", str(scene.state))
    make_key(scene.key)
    add_key(tmp_path / "ground.pem.pub", "ground", NOW + 100 * DAY)
    scene.begin(tiny_model(scene.first))
    return scene


def flipped(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def weights_changed(scene: Scene) -> None:
    flipped(scene.model, scene.model.read_bytes().index(b"matrix") + 60)


def card_changed(scene: Scene) -> None:
    data = scene.model.read_bytes()
    scene.model.write_bytes(data.replace(b"MIT-0", b"MIT-1"))


def card_swapped(scene: Scene) -> None:
    other = scene.other(lineage="other")
    scene.sign(other, 9)
    cards: list[bytes] = []
    changed_field(other.read_bytes(), METADATA, lambda own: cards.append(own) or own)
    scene.model.write_bytes(changed_field(scene.model.read_bytes(), METADATA, lambda _: cards[0]))


def golden_tile_swapped(scene: Scene) -> None:
    data = scene.model.read_bytes()
    at = data.index(b"iVBORw0KGgo") + 200
    scene.model.write_bytes(data[:at] + b"AAAA" + data[at + 4 :])


def appended(scene: Scene) -> None:
    scene.model.write_bytes(scene.model.read_bytes() + field(9, "x"))


def cut(scene: Scene) -> None:
    scene.model.write_bytes(scene.model.read_bytes()[:-1])


def emptied(scene: Scene) -> None:
    scene.model.write_bytes(b"")


def exchanged(scene: Scene) -> None:
    other = scene.other()
    scene.sign(other, 9)
    scene.model.write_bytes(other.read_bytes())


def unsigned(scene: Scene) -> None:
    scene.other().replace(scene.model)
    scene.signature.unlink()


def claims_10_gb(scene: Scene) -> None:
    with scene.model.open("r+b") as file:
        file.truncate(10_000_000_000)


def unsigned_10_gb(scene: Scene) -> None:
    scene.signature.unlink()
    claims_10_gb(scene)


def unsigned_100_mb(scene: Scene) -> None:
    """Well-formed."""
    large(scene)
    scene.signature.unlink()


def unsigned_of_an_accepted_size(scene: Scene) -> None:
    """Well-formed, of 100 MB, as a file that was accepted."""
    large(scene)
    with change_state(scene.state) as state:
        (accepted,) = state.accepted.values()
        state.accepted["00" * 32] = accepted.model_copy(update={"size": LARGE})
    scene.signature.unlink()


def changed_100_mb(scene: Scene) -> None:
    """Well-formed, and signed before it was changed."""
    large(scene)
    sign_file(scene.model, scene.key, "model", "tiny", 9, "tiny")
    flipped(scene.model, LARGE - 1)


def large(scene: Scene) -> None:
    """A model with a text of as many bytes as a file may have."""
    data = scene.model.read_bytes()
    left = LARGE - len(data) - 5  # a key and four bytes of a length
    scene.model.write_bytes(data + varint(2 << 3 | 2) + varint(left))
    with scene.model.open("r+b") as file:
        file.truncate(LARGE)


def signed_by_another(scene: Scene) -> None:
    other = scene.other()
    scene.sign(other, 9, key=scene.unknown_key())
    other.replace(scene.model)
    other.with_name("other.onnx.sig").replace(scene.signature)


def names_a_known_key(scene: Scene) -> None:
    known = json.loads(scene.signature.read_text())["dsseEnvelope"]["signatures"][0]["keyid"]
    signed_by_another(scene)
    scene.envelope(lambda envelope: envelope["signatures"][0].update(keyid=known))


def signature_changed(scene: Scene) -> None:
    def change(envelope: dict[str, Any]) -> None:
        signature = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
        signature[7] ^= 1
        envelope["signatures"][0]["sig"] = base64.b64encode(signature).decode()

    scene.envelope(change)


def number_raised(scene: Scene) -> None:
    scene.statement(lambda statement: statement["predicate"]["scenehash"].update(number=99))


def lineage_changed_in_the_statement(scene: Scene) -> None:
    scene.statement(lambda statement: statement["predicate"]["scenehash"].update(lineage="x"))


def another_payload_type(scene: Scene) -> None:
    scene.envelope(lambda envelope: envelope.update(payloadType="text/plain"))


def two_signatures(scene: Scene) -> None:
    scene.envelope(lambda envelope: envelope.update(signatures=envelope["signatures"] * 2))


def huge_signature(scene: Scene) -> None:
    scene.signature.write_bytes(scene.signature.read_bytes() + b" " * 10_000_000)


def nested_signature(scene: Scene) -> None:
    scene.signature.write_bytes(b"[" * 15_000)


def binary_signature(scene: Scene) -> None:
    scene.signature.write_bytes(os.urandom(1000))


def signature_is_a_pipe(scene: Scene) -> None:
    scene.signature.unlink()
    os.mkfifo(scene.signature)


def signature_is_endless(scene: Scene) -> None:
    scene.signature.unlink()
    scene.signature.symlink_to("/dev/zero")


def downgraded(scene: Scene) -> None:
    scene.other().replace(scene.model)
    scene.sign(scene.model, 4)


def same_number(scene: Scene) -> None:
    scene.other().replace(scene.model)
    scene.sign(scene.model, 5)


def replayed(scene: Scene) -> None:
    """A file that was accepted, without its signature, after a newer one was."""
    HashModel.load(scene.model)
    scene.signature.unlink()
    scene.first.replace(scene.model)


def signed_by_an_expired_key(scene: Scene) -> None:
    make_key(scene.folder / "old.pem")
    add_key(scene.folder / "old.pem.pub", "old", NOW - DAY)
    scene.other().replace(scene.model)
    scene.sign(scene.model, 9, key=scene.folder / "old.pem", now=NOW - 2 * DAY)


def signed_after_the_key_expired(scene: Scene) -> None:
    scene.other().replace(scene.model)
    scene.sign(scene.model, 9, now=NOW + 101 * DAY)


def signed_by_a_revoked_key(scene: Scene) -> None:
    scene.other().replace(scene.model)
    scene.sign(scene.model, 9)
    revoke_key("ground")


def accepted_and_then_revoked(scene: Scene) -> None:
    scene.signature.unlink()
    scene.first.replace(scene.model)
    revoke_key("ground")


def signed_as_a_file(scene: Scene) -> None:
    sign_file(scene.model, scene.key, "file", "tiny", 9)


def signed_for_another_lineage(scene: Scene) -> None:
    scene.other().replace(scene.model)
    sign_file(scene.model, scene.key, "model", "tiny", 9, "another")


def lineage_not_earned(scene: Scene) -> None:
    """Other weights under the lineage of a model that was accepted."""
    scene.other(seed=8).replace(scene.model)
    scene.sign(scene.model, 9)


def of_another_series_format(scene: Scene) -> None:
    scene.statement(
        lambda statement: statement["predicate"]["scenehash"].update(number=10**30), scene.key
    )


def two_files_in_the_statement(scene: Scene) -> None:
    def change(statement: dict[str, Any]) -> None:
        statement["predicate"]["resources"] *= 2

    scene.statement(change, scene.key)


def statement_is_a_list(scene: Scene) -> None:
    scene.statement(lambda statement: statement.update(predicate=[]), scene.key)


def state_changed(scene: Scene) -> None:
    text = scene.state.read_text()
    scene.state.write_text(text.replace('"number":5', '"number":1'))


def state_cut(scene: Scene) -> None:
    scene.state.write_bytes(scene.state.read_bytes()[:-10])


def state_emptied(scene: Scene) -> None:
    scene.state.write_bytes(b"")


def state_is_a_pipe(scene: Scene) -> None:
    scene.state.unlink()
    os.mkfifo(scene.state)


def state_of_10_gb(scene: Scene) -> None:
    with scene.state.open("r+b") as file:
        file.truncate(10_000_000_000)


ATTACKS: dict[Callable[[Scene], None], str] = {
    weights_changed: "it has changed since it was signed",
    card_changed: "it has changed since it was signed",
    card_swapped: "bytes, and .* were signed|changed since",
    golden_tile_swapped: "it has changed since it was signed",
    appended: "bytes, and .* were signed",
    cut: "bytes, and .* were signed",
    emptied: "it has 0 bytes, and .* were signed",
    exchanged: "bytes, and .* were signed|changed since",
    unsigned: "it is not signed, and this machine has keys",
    claims_10_gb: "it has 10,000,000,000 bytes",
    unsigned_10_gb: "it is not signed, and this machine has keys",
    unsigned_100_mb: "it is not signed, and this machine has keys",
    unsigned_of_an_accepted_size: "it is not signed, and this machine has keys",
    changed_100_mb: "it has changed since it was signed",
    signed_by_another: "which is unknown here",
    names_a_known_key: "does not match the key",
    signature_changed: "does not match the key",
    number_raised: "does not match the key",
    lineage_changed_in_the_statement: "does not match the key",
    another_payload_type: "its signature file is damaged",
    two_signatures: "its signature file is damaged",
    huge_signature: "its signature cannot be read .*at most 16,000",
    nested_signature: "its signature file is damaged",
    binary_signature: "its signature file is damaged",
    signature_is_a_pipe: "is a pipe, not a file",
    signature_is_endless: "is a device, not a file",
    downgraded: "it is number 4 of 'tiny', and number 5 was seen",
    same_number: "another file with the same number 5 of 'tiny'",
    replayed: "it is number 5 of 'tiny', and number 6 was seen",
    signed_by_an_expired_key: r"the key .* \(old\) expired at",
    signed_after_the_key_expired: "it was signed after the key",
    signed_by_a_revoked_key: r"\(ground\) was revoked",
    accepted_and_then_revoked: r"\(ground\) was revoked",
    signed_as_a_file: "it is signed as a file, not as a model",
    signed_for_another_lineage: "claims the lineage tiny, and another was signed",
    lineage_not_earned: "it claims the lineage tiny, but",
    of_another_series_format: "of a kind that this scenehash does not know",
    two_files_in_the_statement: "of a kind that this scenehash does not know",
    statement_is_a_list: "of a kind that this scenehash does not know",
    state_changed: "what this machine trusts is damaged",
    state_cut: "what this machine trusts is damaged",
    state_emptied: "what this machine trusts is damaged",
    state_is_a_pipe: "is a pipe, not a file",
    state_of_10_gb: "10,000,000,000 bytes",
}


def test_there_are_thirty_attacks_and_more() -> None:
    assert len(ATTACKS) >= 30


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_is_refused(
    station: Scene, attack: Callable[[Scene], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    attack(station)
    is_file = station.state.is_file() and station.state.stat().st_size < 10**6
    before = station.state.read_bytes() if is_file else b""
    sessions: list[object] = []
    monkeypatch.setattr(hash_model, "_open_session", lambda *one: sessions.append(one))
    tracemalloc.start()
    try:
        with pytest.raises(ModelError, match=ATTACKS[attack]) as refused:
            HashModel.load(station.model)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert not sessions and "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"{station.model}: ")
    if is_file:
        assert station.state.read_bytes() == before

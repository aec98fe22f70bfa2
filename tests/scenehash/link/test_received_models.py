"""A model goes down to a station that has keys: taken if it is signed, refused with the reason."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from scenehash import CodeStore, HashModel, rehash
from scenehash.errors import ModelError
from scenehash.link import PackOptions, apply_bundles, ask_peer, pack_bundle
from scenehash.model.trusted import sign_model, verify_model
from scenehash.trust import add_key, make_key, revoke_key

from ...command_line import answer, run
from ...tiny_model import tiny_model
from ..ingestion.archives import check_codes, make_store, write_scenes
from .test_exchange import station


@dataclass
class Sides:
    """A ground store with a key that signs models, and a station that trusts it.

    first: the model of the station's store, which is number 5 of the series tiny.
    """

    folder: Path
    ground: Path
    one: Path
    key: Path
    first: Path

    def adapted(self, number: int | None = 6, key: Path | None = None, seed: int = 2) -> Path:
        """An adapted model, signed unless it has no number."""
        path = tiny_model(self.folder / "adapted.onnx", bits=128, adapted=True, seed=seed)
        if number is not None:
            sign_model(path, key or self.key, "tiny", number)
        return path

    def sent(self, model: Path) -> Path:
        """The file that a model has become at the station; it is gone where it was."""
        options = PackOptions(max_bytes=20_000, down=True, files=(model,))
        files: list[str] = []
        while not files:
            down = pack_bundle(self.ground, "one", self.folder, options)
            (applied,) = apply_bundles([down.path], self.one)
            assert applied.set_aside == []
            files = applied.files
        for file in self.folder.glob("adapted.onnx*"):
            file.unlink()
        return Path(files[0])


@pytest.fixture
def sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sides:
    monkeypatch.setenv("SCENEHASH_TRUST", str(tmp_path / "trust.json"))
    key, first = tmp_path / "ground.pem", tiny_model(tmp_path / "first.onnx", "first", seed=1)
    make_key(key)
    monkeypatch.setenv("SCENEHASH_SIGNING_KEY", str(key))
    add_key(tmp_path / "ground.pem.pub", "ground")
    sign_model(first, key, "tiny", 5)
    write_scenes(tmp_path / "scenes", range(4))
    one = make_store(tmp_path / "one", tmp_path / "scenes", HashModel.load(first))
    with CodeStore.open(one, writable=True) as store:
        store.name_station("one")
    return Sides(tmp_path, station(tmp_path / "ground", "ground"), one, key, first)


def test_a_signed_model_is_found_trusted_and_used(sides: Sides) -> None:
    received = sides.sent(sides.adapted())
    claim = verify_model(received)
    assert (claim.series, claim.number) == ("tiny", 6)
    lineage = HashModel.open(received).lineage
    report = rehash(sides.one, received)
    assert (report.lineage, report.scenes) == (lineage, 4)
    # The store keeps it, and needs the file no more.
    shutil.rmtree(received.parent)
    with CodeStore.open(sides.one) as store:
        kept = store.model_file()
        assert kept is not None
        check_codes(store, HashModel.load(kept))


def test_a_query_from_before_a_change_of_the_model_keeps_no_bundle_back(sides: Sides) -> None:
    ground, folder = sides.folder / "other", sides.folder
    apply_bundles([pack_bundle(sides.one, "other", folder).path], ground)
    asked = ask_peer(ground, "one", ["row:0"], out=folder / "ask.shlb")
    (applied,) = apply_bundles([asked.path], sides.one)
    assert applied.questions == 1
    rehash(sides.one, sides.adapted())
    packed = pack_bundle(sides.one, "other", folder)
    assert packed.tiles > 0
    assert packed.letters == []


def test_the_commands_say_where_it_is_and_by_whom(sides: Sides) -> None:
    model, down = sides.adapted(), sides.folder / "down.shlb"
    answer("link", "pack", "--store", sides.ground, "--for", "one", "--down", "--model", model,
           "--out", down)  # fmt: skip
    (applied,) = answer("link", "apply", down, "--store", sides.one)["bundles"]
    (path,) = applied["files"]
    assert answer("verify", path)["number"] == 6
    done = answer("rehash", "--store", sides.one, "--model", path)
    assert done["scenes_from_vectors"] + done["scenes_rehashed"] == 4


def test_the_command_says_why_a_model_is_refused(sides: Sides) -> None:
    received = sides.sent(sides.adapted(4))
    refused = run("rehash", "--store", sides.one, "--model", received)
    assert refused.exit_code == 1
    assert "not trusted: it is number 4 of 'tiny', and number 5 was seen" in refused.stderr


def unsigned(sides: Sides) -> Path:
    return sides.adapted(None)


def unknown_key(sides: Sides) -> Path:
    make_key(sides.folder / "other.pem")
    return sides.adapted(key=sides.folder / "other.pem")


def older_number(sides: Sides) -> Path:
    return sides.adapted(4)


def signature_of_another(sides: Sides) -> Path:
    path = sides.adapted()
    tiny_model(path, bits=128, adapted=True, seed=3)
    return path


REFUSED: dict[Callable[[Sides], Path], str] = {
    unsigned: "it is not signed, and this machine has keys",
    unknown_key: "which is unknown here",
    older_number: "it is number 4 of 'tiny', and number 5 was seen here",
    signature_of_another: "were signed|it has changed since it was signed",
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_another_model_is_refused_with_the_reason(
    sides: Sides, make: Callable[[Sides], Path]
) -> None:
    received = sides.sent(make(sides))
    for use in (verify_model, HashModel.load, lambda path: rehash(sides.one, path)):
        with pytest.raises(ModelError, match=REFUSED[make]):
            use(received)
    with CodeStore.open(sides.one) as store:
        check_codes(store, HashModel.load(sides.first))


def test_a_model_whose_key_is_revoked_since_is_refused(sides: Sides) -> None:
    received = sides.sent(sides.adapted())
    revoke_key("ground")
    with pytest.raises(ModelError, match=r"\(ground\) was revoked"):
        rehash(sides.one, received)


def test_a_signature_that_comes_later_goes_down_with_its_file(sides: Sides) -> None:
    model = sides.adapted(None)
    data = model.read_bytes()
    first = sides.sent(model)
    model.write_bytes(data)
    sign_model(model, sides.key, "tiny", 6)
    second = sides.sent(model)
    assert second != first and second.read_bytes() == data == first.read_bytes()
    assert verify_model(second).number == 6

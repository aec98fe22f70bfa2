"""scenehash trust, sign and verify: what they do, and what they say."""

import shlex
import shutil
from pathlib import Path

import pytest

from scenehash import HashModel
from scenehash.errors import ModelError
from scenehash.model.model_file import shipped_model
from scenehash.store import model_of
from scenehash.trust import Verifier

from ...command_line import answer, run
from ...tiny_model import tiny_model
from ..store.samples import make


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SCENEHASH_TRUST", raising=False)
    monkeypatch.delenv("SCENEHASH_SIGNING_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return tmp_path / "settings" / "scenehash"


def test_a_model_is_signed_verified_and_its_key_revoked(tmp_path: Path) -> None:
    key, model = tmp_path / "ground.pem", tiny_model(tmp_path / "m.onnx")
    made = answer("trust", "key", key)
    assert run("verify", model).exit_code == 2
    added = run("trust", "add", f"{key}.pub", "--name", "ground", "--expires", "2100-01-31")
    assert "sign the models of stores that you adapted before" in " ".join(added.stderr.split())
    again = run("trust", "add", f"{key}.pub", "--name", "ground", "--expires", "2100-01-31")
    assert (again.exit_code, again.stderr) == (0, "")
    assert "it is not signed" in run("verify", model).stderr
    signed = answer("sign", model, "--key", key, "--series", "harbors", "--number", 7)
    assert (signed["number"], signed["key"]) == (7, made["key"])
    assert answer("verify", model)["series"] == "harbors"
    (listed,) = answer("trust", "list")["keys"].values()
    assert (listed["name"], listed["revoked"]) == ("ground", None)
    answer("trust", "revoke", "ground")
    assert "(ground) was revoked" in run("verify", model).stderr


def test_why_a_file_is_trusted_is_said(tmp_path: Path) -> None:
    key, model = tmp_path / "ground.pem", tiny_model(tmp_path / "m.onnx")
    made = answer("trust", "key", key)["key"]
    answer("trust", "add", f"{key}.pub")
    answer("sign", model, "--key", key, "--series", "harbors", "--number", 7)
    said = run("verify", model).stdout
    assert said == f"{model}: trusted, number 7 of harbors, by the key {made}\n"
    shipped, own = tmp_path / "shipped.onnx", tmp_path / "own.onnx"
    shutil.copy(shipped_model(), shipped)
    HashModel.load(shipped)
    assert run("verify", shipped).stdout == f"{shipped}: trusted, it came with scenehash\n"
    assert answer("verify", shipped) == {"file": str(shipped), "shipped": True}
    tiny_model(own, adapted=True, seed=3)
    Verifier().remember_own(own.read_bytes(), HashModel.open(shipped).lineage, None)
    assert run("verify", own).stdout == f"{own}: trusted, made here\n"


def test_a_key_that_has_expired_is_named(tmp_path: Path) -> None:
    key = tmp_path / "ground.pem"
    answer("trust", "key", key)
    answer("trust", "add", f"{key}.pub", "--expires", "2100-01-31")
    assert "  until 2100-01-31" in run("trust", "list").stdout
    added = run("trust", "add", f"{key}.pub", "--expires", "2020-01-31")
    assert "the key expired on 2020-01-31: no new file of it is accepted" in added.stderr
    assert "  expired 2020-01-31" in run("trust", "list").stdout


def test_stores_that_were_adapted_before_the_first_key_open_after_the_command_that_is_named(
    tmp_path: Path,
) -> None:
    stores = [tmp_path / "north store", tmp_path / "south"]
    for seed, path in enumerate(stores):
        with make(path, 2) as store:
            adapted = tiny_model(tmp_path / "adapted.onnx", adapted=True, seed=seed)
            store.keep_model(adapted.read_bytes())
        HashModel.load(str(model_of(path)))
    key = tmp_path / "own.pem"
    answer("trust", "key", key)
    answer("trust", "add", f"{key}.pub")
    for path in stores:
        kept = str(model_of(path))
        with pytest.raises(ModelError, match="it is not signed, and this machine has keys") as told:
            HashModel.load(kept)
        command = str(told.value).partition("with one of them: scenehash ")[2]
        assert command
        words = {"KEY": str(key), "NAME": path.name}
        answer(*(words.get(word, word) for word in shlex.split(command)))
    for path in stores * 2:
        HashModel.load(str(model_of(path)))


def test_a_machine_makes_a_key_of_its_own_once(settings: Path) -> None:
    assert answer("trust", "key")["private"] == str(settings / "signing-key.pem")
    before = (settings / "signing-key.pem").read_bytes()
    assert "never overwritten" in run("trust", "key").stderr
    assert (settings / "signing-key.pem").read_bytes() == before


def test_what_is_no_key_or_no_file_is_named(tmp_path: Path) -> None:
    key, half = tmp_path / "ground.pem", tmp_path / "half.pem"
    answer("trust", "key", key)
    half.write_bytes(key.read_bytes()[:60])
    (tmp_path / "file").write_text("x")
    answer("trust", "add", f"{key}.pub")
    for words, place, reason in (
        (("verify", tmp_path), tmp_path, "is a folder, not a file"),
        (("sign", tmp_path, "--key", key), tmp_path, "is a folder, not a file"),
        (("sign", tmp_path / "file", "--key", half), half, "no usable private key"),
        (("trust", "add", half), half, "no public key"),
        (("trust", "add", key), key, "the file that ends in .pub"),
    ):
        refused = run(*words)
        assert refused.exit_code == 1
        assert f"error: {place}: " in refused.stderr and reason in refused.stderr

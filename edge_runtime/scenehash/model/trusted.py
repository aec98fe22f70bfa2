"""Model files on a machine with keys: used only if they are trusted, see scenehash.trust.

A signature covers all bytes, so that no card and no golden tile can be exchanged. A signature
cannot prove the lineage that a card claims. The lineage of an adaptation follows from its content
(lineage.py). The lineage of a training run is checked by its golden tiles: those of the first
trusted file of a lineage must have the same codes in every later one.
"""

import functools
import hashlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from scenehash.errors import ModelError, TrustError
from scenehash.files import MAX_MODEL_BYTES
from scenehash.trust.paths import is_there, state_path

from .card import Card
from .golden import MAX_DRIFT
from .inspection import inspect_model, read_model
from .model_file import SHIPPED_BY_NAME, SHIPPED_MODEL, check_is_there, shipped_model

if TYPE_CHECKING:
    from scenehash.trust import AcceptedFile, Claim

MODEL: Final = "model"

Trusted: TypeAlias = "Claim | AcceptedFile | None"


def read_trusted(path: Path) -> tuple[bytes, Trusted]:
    """The bytes of a model file, and the reason for its trust; None on a machine without keys.

    Files that came with scenehash are as trusted as its code. Raises ModelError when the file is
    not trusted, before a byte of it is parsed, or cannot be read.
    """
    if not is_there(state_path()):
        return read_model(path), None
    check_is_there(path)
    from scenehash.trust import Verifier  # most machines have no keys

    try:
        if not (verifier := Verifier()).has_keys or is_shipped(path):
            return read_model(path), None
        return verifier.read(path, MODEL, MAX_MODEL_BYTES)
    except TrustError as error:
        raise ModelError(f"not trusted: {error}") from error


def check_card(card: Card, trusted: Trusted) -> None:
    """Raise ModelError when a card claims another lineage than was signed, or a wrong one."""
    if trusted is None:
        return
    from scenehash.trust import Claim, Verifier

    if not isinstance(trusted, Claim):
        return
    if trusted.lineage != card.lineage:
        raise ModelError(
            f"not trusted: its card claims the lineage {card.lineage}, and {trusted.lineage} was "
            "signed"
        )
    known = Verifier().state.lineages.get(card.lineage)
    if known is not None:
        _check_golden(card, known)


def remember(card: Card, trusted: Trusted) -> None:
    """Record that a model file was opened, and that its golden tiles have the codes of its card."""
    if trusted is None:
        return
    from scenehash.trust import Claim, Verifier

    if not isinstance(trusted, Claim):
        return
    try:
        Verifier().remember(trusted, _golden_codes(card))
    except TrustError as error:
        raise ModelError(f"not trusted: {error}") from error


def remember_own(path: Path, card: Card, base: Trusted) -> None:
    """Record a model file that was made here from a trusted one; base: HashModel.trusted."""
    if not is_there(state_path()):
        return
    from scenehash.trust import Verifier

    if (verifier := Verifier()).has_keys:
        verifier.remember_own(path.read_bytes(), card.lineage, base)


def sign_model(
    path: Path,
    key: Path,
    series: str | None = None,
    number: int | None = None,
    now: datetime | None = None,
) -> "Claim":
    """Sign a model file with the private key in a file; writes PATH.sig.

    series: of which it is a new version; None: the name in its card. number: see
    scenehash.trust.sign_file. Raises ModelError when it is not a model file, InputError.
    """
    from scenehash.trust import sign_file

    try:
        card = Card.from_json(inspect_model(read_model(path)).card)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    return sign_file(path, key, MODEL, series or card.name, number, card.lineage, now)


def verify_model(path: Path) -> "Claim | AcceptedFile":
    """The reason for trust in a model file here; records nothing, and opens no session.

    Raises ModelError with the reason when it is refused.
    """
    from scenehash.trust import Verifier

    try:
        verifier = Verifier()
        data, trusted = verifier.read(path, MODEL, MAX_MODEL_BYTES)
        check_card(Card.from_json(inspect_model(data).card), trusted)
    except (ModelError, TrustError) as error:
        raise ModelError(f"{path}: {error}") from error
    return trusted


def is_shipped(path: Path) -> bool:
    """Whether a file came with scenehash, or is a copy of such a file, for example in a store."""
    names = (SHIPPED_MODEL, *SHIPPED_BY_NAME.values())
    if path.absolute() in [shipped_model(name) for name in names]:
        return True
    size = path.stat().st_size
    same_size = [name for name in names if shipped_model(name).stat().st_size == size]
    return any(_digest(path) == _shipped_digest(name) for name in same_size)


def _check_golden(card: Card, known: dict[str, str]) -> None:
    """Raise ModelError when golden tiles have other codes than that lineage had."""
    differing = total = 0
    for tile, code in _golden_codes(card).items():
        before = bytes.fromhex(known.get(tile, ""))
        own = bytes.fromhex(code)[: len(before)]
        if before and len(own) == len(before):
            changed = np.frombuffer(before, np.uint8) ^ np.frombuffer(own, np.uint8)
            differing += int(np.bitwise_count(changed).sum())
            total += 8 * len(before)
    if not total:
        raise ModelError(
            f"not trusted: it claims the lineage {card.lineage}, but lacks the golden tiles of the "
            "first file of that lineage"
        )
    if differing > MAX_DRIFT * total:
        raise ModelError(
            f"not trusted: it claims the lineage {card.lineage}, and {differing} of {total} bits "
            "of its golden tiles are others than those of that lineage"
        )


def _golden_codes(card: Card) -> dict[str, str]:
    return {
        hashlib.sha256(record.tile().tobytes()).hexdigest(): record.code.hex()
        for record in card.golden
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def _shipped_digest(name: str) -> str:
    return _digest(shipped_model(name))

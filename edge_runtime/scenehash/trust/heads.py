"""Signatures of short data, such as a bundle's head: 8 bytes of the key's id, then 64 of Ed25519.

The signed data begins with its kind (the encoding of DSSE), so that a signature of one kind is
never valid for another.
"""

from datetime import datetime
from pathlib import Path

from scenehash.errors import TrustError

from .keys import SIGNATURE_BYTES, check, key_id, public_of, read_private_key
from .paths import is_there, signing_key_path
from .signature import encoded
from .verifier import Verifier

ID_BYTES = 8


def sign_head(head: bytes, kind: str, key: Path | None = None) -> bytes:
    """The signature [72 bytes] of a head with this machine's key; empty if it has none.

    kind: of the signed data, such as "application/vnd.scenehash.bundle". Raises InputError when the
    key's file exists and cannot be used.
    """
    path = key or signing_key_path()
    if key is None and not is_there(path):
        return b""
    private = read_private_key(path)
    own = bytes.fromhex(key_id(public_of(private)))
    return own + private.sign(encoded(kind, head))


def check_head(
    head: bytes, signature: bytes, kind: str, now: datetime | None = None, path: Path | None = None
) -> str | None:
    """The id of the key that signed a head, before a byte of it is parsed.

    None if this machine has no keys: then nothing is checked. Raises TrustError when it has keys
    and the signature is missing, malformed, or not by a key that is known, not revoked and not
    expired.
    """
    verifier = Verifier(path)
    if not verifier.has_keys:
        return None
    if not signature:
        raise TrustError(
            "it is not signed, and this machine has keys; make a key on the machine that packs it "
            "(scenehash trust key), and add the public key here (scenehash trust add)"
        )
    if len(signature) != ID_BYTES + SIGNATURE_BYTES:
        raise TrustError(
            f"its signature is {len(signature)} bytes long; a valid one is "
            f"{ID_BYTES + SIGNATURE_BYTES}"
        )
    key = signature[:ID_BYTES].hex()
    found = verifier.check_key(key, now)
    check(bytes.fromhex(found.public), signature[ID_BYTES:], encoded(kind, head))
    return key

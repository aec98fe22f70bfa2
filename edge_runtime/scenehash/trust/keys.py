"""Ed25519 keys (RFC 8032), by the package `cryptography`; files in openssl's format (PEM).

A key's id is 16 hexadecimal digits of the SHA-256 of its 32 public bytes.
"""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from scenehash.errors import InputError, TrustError, extra_needed
from scenehash.files import flush_folder, read_regular

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNATURE_BYTES = 64
PUBLIC_SUFFIX = ".pub"
MOST_KEY_BYTES = 10_000


def key_id(public: bytes) -> str:
    """The id of a public key [32 bytes]."""
    return hashlib.sha256(public).hexdigest()[:16]


def make_key(path: Path) -> str:
    """Make a key pair: the private key in a file for its owner alone, the public key in PATH.pub.

    Returns its id. Raises InputError when one of the files exists, or cannot be written.
    """
    with extra_needed("trust"):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _write_new(path, secret, 0o600)
    _write_new(path.with_name(path.name + PUBLIC_SUFFIX), public, 0o644)
    return key_id(private.public_key().public_bytes_raw())


def read_private_key(path: Path) -> "Ed25519PrivateKey":
    """The private key in a file; InputError when there is none."""
    with extra_needed("trust"):
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    try:
        key = serialization.load_pem_private_key(_read(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("has no usable private key (PEM without a password)", path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("has a key of another kind; make one with: scenehash trust key FILE", path)
    return key


def read_public_key(path: Path) -> bytes:
    """The public key [32 bytes] in a file; InputError when there is none."""
    with extra_needed("trust"):
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    try:
        key = serialization.load_pem_public_key(_read(path))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            "has no public key in PEM; give the file that ends in .pub", path
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError("has a key of another kind than Ed25519", path)
    return key.public_bytes_raw()


def public_of(private: "Ed25519PrivateKey") -> bytes:
    """The public key [32 bytes] of a private key."""
    return private.public_key().public_bytes_raw()


def check(public: bytes, signature: bytes, data: bytes) -> None:
    """Raise TrustError unless the key made a signature [64 bytes] of data."""
    with extra_needed("trust"):
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError) as error:
        raise TrustError(f"its signature does not match the key {key_id(public)}") from error


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, MOST_KEY_BYTES)
    except InputError as error:
        raise InputError(error.reason, path) from error


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        flush_folder(path.absolute().parent)
    except FileExistsError as error:
        raise InputError("is there already; a key is never overwritten", path) from error
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", path) from error

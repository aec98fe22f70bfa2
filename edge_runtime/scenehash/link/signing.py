"""The only place where bundles are signed and signatures are checked, before a head is parsed."""

from scenehash.errors import BundleError, TrustError
from scenehash.trust import check_head, sign_head

KIND = "application/vnd.scenehash.bundle"


def check_signature(head: bytes, signature: bytes) -> None:
    """Raise BundleError when this machine has keys, and none of them has signed the head."""
    try:
        check_head(head, signature, KIND)
    except TrustError as error:
        raise BundleError(f"not trusted: {error}") from error


def sign(head: bytes) -> bytes:
    """The signature of a head with this machine's key; empty if it has none."""
    return sign_head(head, KIND)

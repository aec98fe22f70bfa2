"""The one place where bundles are signed and signatures are checked, before a head is parsed."""

from scenehash.errors import BundleError


def check_signature(head: bytes, signature: bytes) -> None:
    """Raise BundleError when a signature is there that cannot be checked here."""
    if signature:
        raise BundleError(
            f"its head of {len(head)} bytes is signed, and this scenehash checks no signatures: "
            "update scenehash"
        )


def sign(head: bytes) -> bytes:
    """The signature of a head by this machine's key; empty where it has none."""
    return head[:0]

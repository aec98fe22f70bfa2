"""The one place where bundles are signed and signatures are checked, before a head is parsed."""


def check_signature(head: bytes, signature: bytes) -> None:
    """Raise BundleError when a signature is needed here, and this is none of the head's bytes."""


def sign(head: bytes) -> bytes:
    """The signature of a head by this machine's key; empty where it has none."""
    return b""

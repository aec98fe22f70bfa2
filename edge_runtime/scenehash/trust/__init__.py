"""Whose models and bundles a machine takes: keys, signatures, and what was seen before.

paths.py        where this machine keeps what it trusts
keys.py         Ed25519 keys: made, read, named by an id
signature.py    what is signed of a file: FILE.sig, an in-toto statement in a DSSE envelope
state.py        trust.json: the keys of this machine, and the highest numbers that it has seen
verifier.py     a file checked against that state, before a byte of it is parsed
heads.py        the same of the few bytes that a bundle's head has
"""

from typing import TYPE_CHECKING

from scenehash.lazy_names import lazy_names

from .paths import state_path

if TYPE_CHECKING:
    from .heads import check_head, sign_head
    from .keys import make_key
    from .signature import SIGNATURE_SUFFIX, Claim, sign_file
    from .state import AcceptedFile, TrustedKey, TrustState, change_state, read_state
    from .verifier import Verifier, add_key, revoke_key

__all__ = [
    "SIGNATURE_SUFFIX",
    "AcceptedFile",
    "Claim",
    "TrustState",
    "TrustedKey",
    "Verifier",
    "add_key",
    "change_state",
    "check_head",
    "make_key",
    "read_state",
    "revoke_key",
    "sign_file",
    "sign_head",
    "state_path",
]

_MODULE_OF = {
    "SIGNATURE_SUFFIX": "signature",
    "AcceptedFile": "state",
    "Claim": "signature",
    "Verifier": "verifier",
    "TrustState": "state",
    "TrustedKey": "state",
    "add_key": "verifier",
    "change_state": "state",
    "check_head": "heads",
    "make_key": "keys",
    "read_state": "state",
    "revoke_key": "verifier",
    "sign_file": "signature",
    "sign_head": "heads",
}


# A machine without keys asks for the path alone, at each start.
__getattr__ = lazy_names(__name__, _MODULE_OF)

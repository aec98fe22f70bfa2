"""Whose models and bundles a machine accepts: keys, signatures, and the files seen before.

paths.py        the paths of this machine's trusted state and key
keys.py         Ed25519 keys: made, read, named by an id
signature.py    the signed statement about a file: FILE.sig, in a DSSE envelope
state.py        trust.json: the keys of this machine, and the highest numbers that it has seen
verifier.py     the check of a file against that state, before a byte of it is parsed
heads.py        the same for the short head of a bundle
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


# A machine without keys only needs the path at each start.
__getattr__ = lazy_names(__name__, _MODULE_OF)

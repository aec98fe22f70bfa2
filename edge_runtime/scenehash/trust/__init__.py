"""Whose models and bundles a machine takes: keys, signatures, and what was seen before.

keys.py         Ed25519 keys: made, read, named by an id
signature.py    what is signed of a file: FILE.sig, an in-toto statement in a DSSE envelope
state.py        trust.json: the keys of this machine, and the highest numbers that it has seen
station.py      a file checked against that state, before a byte of it is parsed
heads.py        the same of the few bytes that a bundle's head has
"""

from .heads import check_head, sign_head
from .keys import make_key
from .signature import SIGNATURE_SUFFIX, Claim, sign_file
from .state import TrustedKey, TrustState, change_state, read_state, state_path
from .station import Station, add_key, revoke_key

__all__ = [
    "SIGNATURE_SUFFIX",
    "Claim",
    "Station",
    "TrustState",
    "TrustedKey",
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

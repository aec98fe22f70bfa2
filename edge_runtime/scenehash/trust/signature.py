"""FILE.sig: the signed statement about a file, in the format of OpenSSF Model Signing 1.0.

That is an in-toto statement (predicate https://model_signing/signature/v1.0) in a DSSE envelope in
a Sigstore bundle, as JSON; the signature covers the envelope's pre-authentication encoding
(github.com/secure-systems-lab/dsse). Its part "scenehash", which other verifiers ignore, has the
facts that the format lacks: kind, series, number, size, lineage and time. One thing differs: the
key is Ed25519, which `model_signing verify key` (only ECDSA) does not accept.

The contents of a signature file are used only after a known key's signature was verified.
"""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from scenehash.errors import InputError, TrustError
from scenehash.files import open_regular, read_regular, write_text

from .keys import SIGNATURE_BYTES, check, key_id, public_of, read_private_key

SIGNATURE_SUFFIX = ".sig"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MOST_SIGNATURE_BYTES = 16_000
MOST_NUMBER = 10**15

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Kind = Literal["model", "file"]


class Claim(BaseModel):
    """The signed facts about a file.

    kind: its allowed use. series, number: of files of one series, a lower number is older, and is
    refused after a higher number was seen. size: in bytes. lineage: of a model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Kind
    series: Name
    number: int = Field(ge=0, le=MOST_NUMBER)
    size: int = Field(ge=0)
    lineage: Name | None = None
    signed: AwareDatetime = Field(strict=False)
    sha256: Digest
    key: Name


def sign_file(
    path: Path,
    key: Path,
    kind: Kind,
    series: str,
    number: int | None = None,
    lineage: str | None = None,
    now: datetime | None = None,
) -> Claim:
    """Sign a file: writes FILE.sig.

    key: the file of a private key. number: None: the seconds since 1970, so that later signatures
    have higher numbers. Raises InputError when a file cannot be read or written.
    """
    private = read_private_key(key)
    when = (now or datetime.now(UTC)).replace(microsecond=0)
    try:
        with open_regular(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except InputError as error:
        raise InputError(error.reason, path) from error
    try:
        claim = Claim(
            kind=kind,
            series=series,
            number=int(when.timestamp()) if number is None else number,
            size=size,
            lineage=lineage,
            signed=when,
            sha256=digest,
            key=key_id(public_of(private)),
        )
    except ValidationError as error:
        where = error.errors(include_url=False)[0]
        raise InputError(f"cannot be signed ({where['loc'][0]}: {where['msg']})", path) from error
    payload = json.dumps(_statement(path.name, claim)).encode()
    signature = private.sign(encoded(PAYLOAD_TYPE, payload))
    write_text(signature_path(path), json.dumps(_bundle(payload, signature, claim.key), indent=1))
    return claim


def signature_path(path: Path) -> Path:
    """The path of a file's signature."""
    return path.with_name(path.name + SIGNATURE_SUFFIX)


def read_claim(path: Path, public_keys: dict[str, bytes]) -> Claim | None:
    """The signed facts about a file, from one of the keys; None if there is no signature.

    public_keys: [32 bytes] by their ids. It does not read the file itself. Raises TrustError when
    the signature is malformed, by another key, or not by the key that it names.
    """
    beside = signature_path(path)
    if not beside.exists():
        return None
    try:
        payload, signature, key = _envelope(read_regular(beside, MOST_SIGNATURE_BYTES))
    except InputError as error:
        raise TrustError(f"its signature cannot be read ({error})") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise TrustError("its signature file is damaged, or not a signature") from error
    if key not in public_keys:
        raise TrustError(f"it is signed by the key {key[:40]!a}, which is unknown here")
    check(public_keys[key], signature, encoded(PAYLOAD_TYPE, payload))
    try:
        return _claim(json.loads(payload), key)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise TrustError(
            "the signed statement is of a kind that this scenehash does not know"
        ) from error


def encoded(kind: str, payload: bytes) -> bytes:
    """The pre-authentication encoding of DSSE, which the signature covers."""
    name = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)


def _statement(name: str, claim: Claim) -> dict[str, Any]:
    root = hashlib.sha256(bytes.fromhex(claim.sha256)).hexdigest()
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": root}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
            "resources": [{"name": name, "algorithm": "sha256", "digest": claim.sha256}],
            "scenehash": claim.model_dump(mode="json", exclude={"sha256", "key"}),
        },
    }


def _claim(statement: Any, key: str) -> Claim:
    """The claim of a verified statement; ValueError, LookupError or TypeError."""
    if statement["_type"] != STATEMENT_TYPE or statement["predicateType"] != PREDICATE_TYPE:
        raise ValueError("another type")
    predicate = statement["predicate"]
    (resource,) = predicate["resources"]
    if resource["algorithm"] != "sha256":
        raise ValueError("another hash")
    return Claim(**predicate["scenehash"], sha256=resource["digest"], key=key)


def _bundle(payload: bytes, signature: bytes, key: str) -> dict[str, Any]:
    return {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": key}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": key}],
        },
    }


def _envelope(data: bytes) -> tuple[bytes, bytes, str]:
    """Payload, signature and key id; ValueError, LookupError or TypeError."""
    envelope = json.loads(data)["dsseEnvelope"]
    (one,) = envelope["signatures"]
    signature = base64.b64decode(one["sig"], validate=True)
    if envelope["payloadType"] != PAYLOAD_TYPE or len(signature) != SIGNATURE_BYTES:
        raise ValueError("another type")
    if not isinstance(one["keyid"], str):
        raise TypeError("no key")
    return base64.b64decode(envelope["payload"], validate=True), signature, one["keyid"]

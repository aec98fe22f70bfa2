"""Objects in buckets of an S3-compatible store: listing, reading and writing (the extra cluster).

The environment has the address and the credentials, in the variables of AWS: AWS_ENDPOINT_URL,
AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. This module contacts only addresses that the
user names: without keys it does not sign requests, and asks no service for keys. It raises
FetchError if the store refuses or does not answer.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from .errors import FetchError, InputError, extra_needed

SCHEME = "s3://"
# Bytes per request when an object is read from beginning to end.
CHUNK_BYTES = 8 << 20
LISTED_AT_ONCE = 1000
LONGEST_REASON = 200
# AWS variables for sources of keys; each names only a file or an address.
KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
# The time for repeating requests to a store that refuses or does not answer.
RETRY_SECONDS = 30


@dataclass(frozen=True)
class Listed:
    """An object in a list: its address, its size, and a tag that changes with its content."""

    uri: str
    size: int
    tag: str


def is_object(uri: str) -> bool:
    """Whether an address is the address of an object or of a prefix."""
    return uri.startswith(SCHEME)


def gdal_name(uri: str) -> str:
    """GDAL's name for an object."""
    return f"/vsis3/{uri.removeprefix(SCHEME)}"


def gdal_options() -> dict[str, str]:
    """Options for GDAL to reach the same store; GDAL finds credentials in the environment."""
    signed = {} if _has_keys() else {"AWS_NO_SIGN_REQUEST": "YES"}
    endpoint = urlsplit(_endpoint())
    if not endpoint.netloc:
        return signed
    return signed | {
        "AWS_S3_ENDPOINT": endpoint.netloc + endpoint.path.rstrip("/"),
        "AWS_HTTPS": "NO" if endpoint.scheme == "http" else "YES",
        "AWS_VIRTUAL_HOSTING": "FALSE",
    }


def describe(uri: str) -> Listed | None:
    """An object; None if there is none at that address."""
    store, key = _at(uri)
    with _errors(uri):
        try:
            return _listed(uri, _api().head(store, key)) if key else None
        except FileNotFoundError:
            return None


def list_objects(uri: str) -> Iterator[Listed]:
    """All objects below an address, at any depth, in any order."""
    store, key = _at(uri)
    bucket = uri.removeprefix(SCHEME).partition("/")[0]
    with _errors(uri):
        for some in _api().list(store, prefix=key or None, chunk_size=LISTED_AT_ONCE):
            for one in some:
                yield _listed(f"{SCHEME}{bucket}/{one['path']}", one)


def read_head(uri: str, size: int) -> bytes:
    """The first bytes of an object, at most the given number; InputError."""
    store, key = _at(uri)
    with _errors(uri):
        length = min(size, int(_api().head(store, key)["size"]))
        return read_range(uri, 0, length) if length else b""


def read_range(uri: str, start: int, end: int) -> bytes:
    """The bytes of an object from start to before end, both within it; InputError."""
    store, key = _at(uri)
    with _errors(uri):
        return bytes(_api().get_range(store, key, start=start, end=end))


def read_object(uri: str, most: int) -> bytes:
    """All bytes of an object with at most the given number of bytes; InputError otherwise."""
    data = bytearray()

    def take(chunk: bytes) -> None:
        if len(data) + len(chunk) > most:
            raise InputError(f"it has more than {most:,} bytes, which are read at once")
        data.extend(chunk)

    stream_object(uri, take)
    return bytes(data)


def stream_object(uri: str, take: Callable[[bytes], object]) -> None:
    """Yield all bytes of an object in chunks; InputError."""
    store, key = _at(uri)
    with _errors(uri):
        for chunk in _api().get(store, key).stream(min_chunk_size=CHUNK_BYTES):
            take(bytes(chunk))


def write_object(uri: str, data: bytes) -> None:
    """Write an object, whole or not at all."""
    store, key = _at(uri)
    with _errors(uri):
        # One request for any size: an upload in parts could remain incomplete.
        _api().put(store, key, data, use_multipart=False)


def delete_object(uri: str) -> None:
    """Delete an object if it exists."""
    store, key = _at(uri)
    with _errors(uri), contextlib.suppress(FileNotFoundError):
        _api().delete(store, key)


def _at(uri: str) -> tuple[Any, str]:
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise InputError("it names no bucket: give s3://BUCKET/KEY", uri)
    with _errors(uri):
        return _store(bucket, _endpoint(), _has_keys()), key.strip("/")


@functools.lru_cache(16)
def _store(bucket: str, endpoint: str, is_signed: bool) -> Any:
    with extra_needed("cluster"):
        from obstore.store import S3Store

    options = {"allow_http": True} if endpoint.startswith("http://") else {}
    where = {"endpoint": endpoint} if endpoint else {}
    retrying = {"max_retries": 5, "retry_timeout": timedelta(seconds=RETRY_SECONDS)}
    make: Any = S3Store  # its types are those of its own stubs alone
    return make(
        bucket,
        client_options=options,
        retry_config=retrying,
        skip_signature=not is_signed,
        **where,
    )


def _api() -> Any:
    with extra_needed("cluster"):
        import obstore
    return obstore


def _endpoint() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _has_keys() -> bool:
    return any(os.environ.get(name) for name in KEYS)


def _listed(uri: str, found: Any) -> Listed:
    return Listed(uri, int(found["size"]), str(found["e_tag"] or found["last_modified"]))


@contextlib.contextmanager
def _errors(uri: str) -> Iterator[None]:
    """A missing object raises InputError; every other answer raises FetchError."""
    with extra_needed("cluster"):
        from obstore.exceptions import BaseError
    try:
        yield
    except FileNotFoundError as error:
        raise InputError("no such object", uri) from error
    except (OSError, BaseError) as error:
        text = " ".join(str(error).split("Debug source")[0].split())[:LONGEST_REASON]
        raise FetchError(f"{uri}: the object store refuses, or does not answer ({text})") from error

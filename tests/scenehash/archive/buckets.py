"""An S3-compatible server on loopback, with one bucket."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenehash.objects import list_objects, read_object, write_object

from ...absent import package

BUCKET = "s3://archive"


@contextlib.contextmanager
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty bucket; what reaches it is in the environment."""
    server_module = package("moto.server", reason="moto's server is not installed")
    package("obstore", reason="the extra cluster is not installed")
    import boto3

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = server_module.ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    try:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="archive")
        yield BUCKET
    finally:
        server.stop()


def upload(folder: Path, uri: str) -> None:
    """Write all files of a folder below an address."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            write_object(f"{uri}/{path.relative_to(folder)}", path.read_bytes())


def parts_in(uri: str) -> dict[str, bytes]:
    """The parts of an archive, by their names."""
    return {
        one.uri.removeprefix(uri + "/"): read_object(one.uri, 1 << 24)
        for one in list_objects(uri + "/parts")
    }

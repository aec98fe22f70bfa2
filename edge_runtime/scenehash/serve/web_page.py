"""The page: files in the package, and one answer for all addresses of its views."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from importlib import resources
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from .problems import problem
from .request_headers import has_already, takes_gzip

FOLDER, INDEX = "page", "index.html"
# Files under it have a hash of their content in their names.
ASSETS = "assets/"
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".woff2": "font/woff2",
         ".json": "application/json", ".geojson": "application/geo+json", ".svg": "image/svg+xml",
         ".pbf": "application/x-protobuf", ".webmanifest": "application/manifest+json"}  # fmt: skip
NOT_BUILT = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>scenehash</title>"
    "<h1>scenehash</h1><p>This installation has no page. The API is here: "
    '<a href="/api/docs">/api/docs</a>.'
)


# Types to compress; fonts and pictures are compressed already.
TEXTS = ("text/", "application/json", "image/svg+xml")


@dataclass(frozen=True)
class _File:
    data: bytes
    media: str
    tag: str

    @cached_property
    def compressed(self) -> bytes | None:
        """The file as gzip, made when it is first asked for; None where that saves nothing."""
        if not self.media.startswith(TEXTS):
            return None
        return gzip.compress(self.data, mtime=0)


class WebPage:
    """The files of the page, in memory: a request never becomes a path."""

    def __init__(self, folder: Path | None = None) -> None:
        """folder: None means the package's own."""
        root = Path(str(resources.files(__package__) / FOLDER)) if folder is None else folder
        self._files = {
            path.relative_to(root).as_posix(): _read(path)
            for path in (sorted(root.rglob("*")) if root.is_dir() else ())
            if path.is_file()
        }

    def answer(self, request: Request) -> Response:
        """The requested file; the page itself for an address of a view."""
        name = request.url.path.lstrip("/")
        file = self._files.get(name)
        if file is None and (name.startswith(("api/", ASSETS)) or name == "api"):
            return problem(HTTPStatus.NOT_FOUND, f"there is no {request.url.path}")
        if file is None:
            name, file = INDEX, self._files.get(INDEX)
        if file is None:
            return Response(NOT_BUILT, media_type="text/html")
        lasting = name.startswith(ASSETS)
        headers = {
            "ETag": file.tag,
            "Vary": "Accept-Encoding",
            "Cache-Control": "public, max-age=31536000, immutable" if lasting else "no-cache",
        }
        if has_already(request.headers, file.tag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        data = file.data
        if takes_gzip(request.headers) and file.compressed is not None:
            headers["Content-Encoding"] = "gzip"
            data = file.compressed
        return Response(data, media_type=file.media, headers=headers)


def _read(path: Path) -> _File:
    data = path.read_bytes()
    media = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return _File(
        data,
        media or "application/octet-stream",
        f'"{hashlib.blake2b(data, digest_size=12).hexdigest()}"',
    )

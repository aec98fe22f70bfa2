"""A download that goes on where it was interrupted."""

from pathlib import Path
from typing import Any

import requests

from scenehash.cli.console import progress
from scenehash.errors import FetchError

MEGABYTE = 1_000_000
CHUNK = 1 << 18
# Seconds to wait for a server's next byte.
TIMEOUT = 60


class ResumingDownloader:
    """A downloader for pooch, whose own begins again; it asks for the bytes behind a partial file.

    Source: Fielding et al., "Hypertext Transfer Protocol: Range Requests", RFC 9110, section 14. A
    server that knows no ranges sends the whole file, which then replaces the part. Whether the
    parts belong together is for the checksum to say.
    """

    def __init__(self, part: Path, what: str, megabytes: int) -> None:
        self._part = part
        self._what = what
        self._megabytes = megabytes

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> None:
        """Fetch url by way of the partial file, which is then moved to output_file.

        Raises FetchError; the partial file is kept then.
        """
        del pooch, check_only
        try:
            self._fetch(url)
            self._part.replace(output_file)
        except requests.RequestException as error:
            raise FetchError(f"{self._what}: {_reason(error)}; {self._kept()}") from error
        except OSError as error:
            raise FetchError(
                f"{self._part}: cannot be written ({error.strerror}); {self._kept()}"
            ) from error

    def _fetch(self, url: str) -> None:
        start = self._part.stat().st_size if self._part.exists() else 0
        # Compression on the way would make the server's count of bytes another than ours.
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # there is nothing behind the part: it is whole
            response.raise_for_status()
            if response.status_code != requests.codes.partial_content:
                start = 0
            elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                self._part.unlink()
                raise FetchError(f"{self._what}: the server sent other bytes than were asked for")
            size = start + int(response.headers.get("Content-Length", 0))
            with (
                self._part.open("ab" if start else "wb") as file,
                progress(max(size // MEGABYTE, self._megabytes), f"{self._what}, MB") as advance,
            ):
                advance(start // MEGABYTE)
                done = start
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
                    advance((done + len(chunk)) // MEGABYTE - done // MEGABYTE)
                    done += len(chunk)
        # urllib3 before 2 takes a connection that ends early for the end of the file.
        if done < size:
            raise FetchError(f"{self._what}: the connection ended early; {self._kept()}")

    def _kept(self) -> str:
        size = self._part.stat().st_size if self._part.exists() else 0
        if not size:
            return "give the same command again"
        return f"{size / MEGABYTE:,.1f} MB are kept in {self._part}: give the same command to go on"


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the server said {error.response.status_code} {error.response.reason}"
    return "the server cannot be reached, or the connection broke off"

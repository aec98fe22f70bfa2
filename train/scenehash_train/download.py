"""A download that continues after an interruption."""

from pathlib import Path
from typing import Any

import requests

from scenehash.errors import FetchError
from scenehash.progress import Progress

MEGABYTE = 1_000_000
CHUNK = 1 << 18
# Seconds to wait for a server's next byte.
TIMEOUT = 60


class ResumingDownloader:
    """A downloader for pooch that requests only the bytes that a partial file lacks.

    Source: Fielding, Nottingham, Reschke, "HTTP Semantics", RFC 9110, section 14. A server without
    range requests sends the whole file, which replaces the partial one. The checksum, which pooch
    verifies, tells whether the parts belong together.
    """

    def __init__(self, part: Path, name: str, megabytes: int, progress: Progress) -> None:
        self._part = part
        self._name = name
        self._megabytes = megabytes
        self._progress = progress

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> None:
        """Download url to the partial file, and move that to output_file.

        Raises FetchError, and keeps the partial file.
        """
        del pooch, check_only
        try:
            self._fetch(url)
            self._part.replace(output_file)
        except requests.RequestException as error:
            raise FetchError(f"{self._name}: {_reason(error)}; {self._kept()}") from error
        except OSError as error:
            raise FetchError(
                f"{self._part}: cannot be written ({error.strerror}); {self._kept()}"
            ) from error

    def _fetch(self, url: str) -> None:
        start = self._part.stat().st_size if self._part.exists() else 0
        # With a compressed transfer, the server would count other bytes than the file has.
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # the partial file is complete
            response.raise_for_status()
            if response.status_code != requests.codes.partial_content:
                start = 0
            elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                self._part.unlink()
                raise FetchError(f"{self._name}: the server sent other bytes than requested")
            size = start + int(response.headers.get("Content-Length", 0))
            megabytes = max(size // MEGABYTE, self._megabytes)
            with (
                self._part.open("ab" if start else "wb") as file,
                self._progress.task(f"{self._name}, MB", megabytes) as task,
            ):
                task.advance(start // MEGABYTE)
                done = start
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
                    task.advance((done + len(chunk)) // MEGABYTE - done // MEGABYTE)
                    done += len(chunk)
        # urllib3 before 2 reports no error when a connection ends early.
        if done < size:
            raise FetchError(f"{self._name}: the connection ended early; {self._kept()}")

    def _kept(self) -> str:
        size = self._part.stat().st_size if self._part.exists() else 0
        if not size:
            return "give the same command again"
        return (
            f"{size / MEGABYTE:,.1f} MB are kept in {self._part}: give the same command to continue"
        )


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    return "the server cannot be reached, or the connection was lost"

"""Files of text that are written for people and other programs."""

from pathlib import Path

from .errors import InputError


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8; InputError when it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error

"""Text without characters that control a terminal or end a line."""

import re

# Control characters (C0, DEL, C1), marks that turn the direction of text, line separators, and
# surrogates, which stand for bytes that are not text.
_NOT_PRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SHORT_ESCAPES = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r"}


def printable(text: str) -> str:
    r"""Text with terminal control characters and line ends escaped, as \n or \u001b."""
    return _NOT_PRINTABLE.sub(
        lambda found: _SHORT_ESCAPES.get(found[0], f"\\u{ord(found[0]):04x}"), text
    )

"""Access control: callers by their tokens, and the scope that a request needs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie

from .origin import SAFE_METHODS
from .problems import Refused
from .tokens import Tokens, allows

COOKIE = "scenehash_token"
# Open to everybody: whether a token is needed, whether the server lives, the page itself.
SESSION = "/api/session"
OPEN = frozenset({SESSION, "/healthz"})
# Requests that change nothing, but are not GET; all others of these need the scope write.
READING = frozenset({"/api/search", "/api/uploads", "/api/alerts/test"})
JUDGING = re.compile(r"/api/alerts/.+/(confirm|reject|forget)", re.DOTALL)


@dataclass(frozen=True)
class Caller:
    """The sender of a request: its name, its scope, and its key for rate limits.

    scope: None for a caller without a token, if a token is needed.
    """

    name: str | None
    scope: str | None
    key: str


def caller_of(headers: Mapping[str, str], address: str, tokens: Tokens | None) -> Caller:
    """The sender of a request. tokens: None if no token is needed.

    Raises Refused on an invalid token.
    """
    if tokens is None:
        return Caller(None, "write", address)
    text = token_of(headers)
    if text is None:
        return Caller(None, None, address)
    token = tokens.find(text)
    if token is None:
        raise Refused(
            HTTPStatus.UNAUTHORIZED,
            "the token is wrong, or was revoked",
            {"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    return Caller(token.name, token.scope, token.id)


def token_of(headers: Mapping[str, str]) -> str | None:
    """The token of a request: from Authorization or the cookie; None if there is none."""
    kind, _, text = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return text.strip()
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return None if cookie is None else cookie.value


def check_scope(method: str, path: str, caller: Caller) -> None:
    """Raise Refused unless the caller may send the request."""
    if path in OPEN or not (path.startswith("/api/") or path == "/metrics"):
        return
    needed = scope_of(method, path)
    if caller.scope is None:
        raise Refused(
            HTTPStatus.UNAUTHORIZED,
            "a token is needed: Authorization: Bearer TOKEN (see: scenehash serve token add)",
            {"WWW-Authenticate": "Bearer"},
        )
    if not allows(caller.scope, needed):
        raise Refused(
            HTTPStatus.FORBIDDEN, f"the token's scope is {caller.scope}, and this needs {needed}"
        )


def scope_of(method: str, path: str) -> str:
    """The scope that a request needs."""
    if method in SAFE_METHODS or path in READING:
        return "read"
    return "confirm" if method == "POST" and JUDGING.fullmatch(path) else "write"

"""The session of a browser: a token in a cookie."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from scenehash.engines import is_address

from ..access import COOKIE, Caller
from ..problems import Refused
from ..queries import SessionRequest
from ..served import Served
from .common import PROBLEMS, AnyServed, Who, answer

router = APIRouter(tags=["session"], responses=PROBLEMS)

SECONDS = 30 * 24 * 3600


@router.get("/api/session")
def session(served: AnyServed, caller: Who) -> Response:
    """The name and the scope of the caller."""
    return answer(_document(served, caller))


@router.post("/api/session")
def begin(request: Request, served: AnyServed, caller: Who, asked: SessionRequest) -> Response:
    """Give the browser a token, which it keeps."""
    token = served.tokens.find(asked.token.strip())
    if token is None:
        served.wrong_tokens.take(caller.key)
        raise Refused(HTTPStatus.UNAUTHORIZED, "the token is wrong, or was revoked")
    response = answer(_document(served, Caller(token.name, token.scope, token.id)))
    # Behind a proxy this server does not know whether the browser's connection is encrypted.
    secure = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, asked.token.strip(), SECONDS, httponly=True, samesite="strict", secure=secure
    )
    return response


@router.delete("/api/session", status_code=HTTPStatus.NO_CONTENT)
def end() -> Response:
    """Make the browser forget the token."""
    response = Response(status_code=HTTPStatus.NO_CONTENT)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _document(served: Served, caller: Caller) -> dict[str, Any]:
    return {
        "token_needed": served.options.needs_token,
        "name": caller.name,
        "scope": caller.scope,
        "engine": served.address if caller.scope and is_address(served.address) else None,
        "accepts_scenes": served.options.accept is not None,
    }

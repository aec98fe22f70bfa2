"""Errors as HTTP answers: application/problem+json (RFC 9457), with the text of the command."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from scenehash.errors import (
    ConfigurationError,
    EngineUnreachableError,
    InputError,
    LineageError,
    MissingExtraError,
    ModelError,
    NotStoredError,
    ScenehashError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
)
from scenehash.printable import printable

MEDIA_TYPE = "application/problem+json"
# The first matching class counts.
STATUSES: Mapping[type[ScenehashError], HTTPStatus] = {
    NotStoredError: HTTPStatus.NOT_FOUND,
    EngineUnreachableError: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreBusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreDamagedError: HTTPStatus.INTERNAL_SERVER_ERROR,
    StoreError: HTTPStatus.CONFLICT,
    ConfigurationError: HTTPStatus.UNPROCESSABLE_ENTITY,
    InputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ModelError: HTTPStatus.INTERNAL_SERVER_ERROR,
    MissingExtraError: HTTPStatus.NOT_IMPLEMENTED,
}
RETRY_SECONDS = 5
NOT_JSON = "the body is not a JSON document"
NO_OBJECT = "the body: send a JSON object, with Content-Type: application/json"
LONGEST_VALUE = 200


class Refused(HTTPException):
    """A refused request: a status, a line with the reason, and headers."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))


def problem(
    status: int, detail: str, kind: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A problem document as an answer; kind: the name of an error of scenehash."""
    document = problem_document(status, detail, kind)
    body = json.dumps(document).encode()
    return Response(body, status, dict(headers or {}), MEDIA_TYPE)


def problem_document(status: int, detail: str, kind: str | None = None) -> dict[str, object]:
    """The problem as plain values for JSON."""
    return {
        "type": "about:blank" if kind is None else f"urn:scenehash:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": printable(detail),
    }


def document_of(error: Exception) -> dict[str, object]:
    """An error as plain values; for an unexpected error, only its type."""
    if isinstance(error, ScenehashError):
        return problem_document(_status(error), str(error), type(error).__name__)
    return problem_document(500, f"unexpected {type(error).__name__}; the server's log has more")


async def answer_error(request: Request, error: Exception) -> Response:
    """The answer to any error."""
    del request
    if isinstance(error, RequestValidationError):
        return _invalid(error.errors())
    if isinstance(error, ClientDisconnect):
        return problem(400, "the client ended the connection before the end of the request")
    if isinstance(error, StarletteHTTPException):
        # FastAPI's own 400 is for a body that is nested too deeply, or has a number too long.
        is_ours = isinstance(error, Refused) or error.status_code != HTTPStatus.BAD_REQUEST
        detail = str(error.detail) if is_ours else NOT_JSON
        return problem(error.status_code, detail, headers=error.headers)
    headers = (
        {"Retry-After": str(RETRY_SECONDS)}
        if isinstance(error, StoreBusyError | EngineUnreachableError)
        else {}
    )
    found = document_of(error)
    body = json.dumps(found).encode()
    return Response(body, int(str(found["status"])), headers, MEDIA_TYPE)


def _status(error: ScenehashError) -> HTTPStatus:
    if isinstance(error, LineageError):
        return HTTPStatus.CONFLICT
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _invalid(errors: Sequence[Mapping[str, object]]) -> Response:
    """The first error of a request, in one line."""
    first = errors[0] if errors else {}
    if first.get("type") == "json_invalid":
        return problem(400, NOT_JSON)
    where = first.get("loc")
    if where == ("body",):
        return problem(422, NO_OBJECT, "ConfigurationError")
    names = (
        [str(part) for part in where if str(part) not in ("body", "query", "path")]
        if isinstance(where, Sequence)
        else []
    )
    context = first.get("ctx")
    # The text of our own error, without a prefix of pydantic.
    own = context.get("error") if isinstance(context, Mapping) else None
    said = own if isinstance(own, ValueError) else first.get("msg", "the value is not valid")
    message = str(said)
    what = ".".join(names) or "the request"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return problem(422, f"{what}: {message[:LONGEST_VALUE]}{more}", "ConfigurationError")

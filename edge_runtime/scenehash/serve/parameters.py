"""Refuse a query parameter that a route does not have.

Ignored, a misspelled filter would find the unfiltered hits without a word.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from fastapi import FastAPI, Request

from scenehash.errors import ConfigurationError

Names = Mapping[tuple[str, str], Sequence[str]]


# On the event loop: a thread of its own would cost each request more than the check.
async def check_parameters(request: Request) -> None:
    """ConfigurationError if a request of the API has a query parameter that its route lacks."""
    path = str(getattr(request.scope.get("route"), "path", ""))
    if not request.query_params or not path.startswith("/api/"):
        return
    # What the description leaves out is no part of the API.
    names = _names(request.app).get((path, request.method.lower()))
    if names is None:
        return
    for name in request.query_params:
        if name not in names:
            raise ConfigurationError(f"{name[:100]}: {_remedy(name, names)}")


def _names(app: FastAPI) -> Names:
    """The query parameters of each path and method, from the description of the API."""
    found: Names | None = getattr(app.state, "parameters", None)
    if found is None:
        app.state.parameters = found = {
            (path, method): [
                one["name"] for one in described.get("parameters", []) if one["in"] == "query"
            ]
            for path, methods in app.openapi()["paths"].items()
            for method, described in methods.items()
        }
    return found


def _remedy(name: str, names: Sequence[str]) -> str:
    if not names:
        return "there are no parameters here"
    near = get_close_matches(name, names, n=1)
    if near:
        return f"there is no such parameter; did you mean {near[0]}?"
    return f"there is no such parameter; there are {', '.join(names)}"

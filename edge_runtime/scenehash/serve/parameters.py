"""Refuse a query parameter that a route does not have.

Ignored, a misspelled filter would find the unfiltered hits without a word.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from fastapi import Request

from scenehash.errors import ConfigurationError


def check_parameters(request: Request) -> None:
    """ConfigurationError if a request of the API has a query parameter that its route lacks."""
    path = str(getattr(request.scope.get("route"), "path", ""))
    if not request.query_params or not path.startswith("/api/"):
        return
    route = request.app.openapi()["paths"].get(path, {})
    # HEAD is answered as GET. What the description leaves out is no part of the API.
    described: Mapping[str, Any] | None = route.get(request.method.lower().replace("head", "get"))
    if described is None:
        return
    parameters = described.get("parameters", [])
    names = [one["name"] for one in parameters if one["in"] == "query"]
    for name in request.query_params:
        if name not in names:
            raise ConfigurationError(f"{name[:100]}: {_remedy(name, names)}")


def _remedy(name: str, names: list[str]) -> str:
    if not names:
        return "there are no parameters here"
    near = get_close_matches(name, names, n=1)
    if near:
        return f"there is no such parameter; did you mean {near[0]}?"
    return f"there is no such parameter; there are {', '.join(names)}"

"""The application: the routes of the API, the page, and the guard around them."""

import contextlib
from collections.abc import AsyncIterator
from importlib import metadata
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from scenehash.errors import ScenehashError

from .description import STYLE, page
from .guard import Guard
from .parameters import check_parameters
from .problems import answer_error
from .routes import alerts, collection, events, jobs, scenes, search, session, uploads
from .routes import station as station_routes
from .served import Served
from .station import Station
from .web_page import WebPage

# Further requests, whose threads wait for their turn.
WAITING_THREADS = 24
# No telemetry, whatever the environment says.
SETTINGS: dict[str, Any] = {
    "openapi_url": "/api/openapi.json",
    "docs_url": None,
    "redoc_url": None,
    "telemetry": {"auto_configure": False, "tracing": False, "metrics": False, "logs": False},
}
DESCRIPTION = (
    "The commands of scenehash over HTTP: the same words, and the documents of --json. "
    "Errors are problem documents (RFC 9457)."
)


def make_app(served: Served, page_folder: Path | None = None) -> ASGIApp:
    """The ASGI application of a station or of a collection."""

    @contextlib.asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        del app
        limiter = anyio.to_thread.current_default_thread_limiter()
        limiter.total_tokens = served.options.threads + WAITING_THREADS
        if not isinstance(served, Station):
            yield
            return
        await served.feed.start()
        served.jobs.start()
        try:
            yield
        finally:
            await served.feed.stop()

    app = FastAPI(
        title="scenehash",
        version=metadata.version("scenehash"),
        description=DESCRIPTION,
        lifespan=running,
        dependencies=[Depends(check_parameters)],
        **SETTINGS,
    )
    app.state.served = served
    app.add_exception_handler(ScenehashError, answer_error)
    app.add_exception_handler(RequestValidationError, answer_error)
    app.add_exception_handler(HTTPException, answer_error)
    app.add_exception_handler(ClientDisconnect, answer_error)
    app.add_exception_handler(Exception, answer_error)
    routers = [module.router for module in (session, search, uploads)]
    if isinstance(served, Station):
        own = (scenes, alerts, events, station_routes, jobs)
        routers += [module.router for module in own]
    else:
        routers += [collection.router, collection.refusals()]
    for router in routers:
        app.include_router(router)
    _add_pages(app, WebPage(page_folder))
    return Guard(app, served)


def _add_pages(app: FastAPI, web_page: WebPage) -> None:
    @app.get("/api/docs", include_in_schema=False)
    def docs() -> Response:
        return HTMLResponse(page(app.openapi()))

    @app.get("/api/docs.css", include_in_schema=False)
    def style() -> Response:
        return Response(STYLE, media_type="text/css")

    @app.get("/{path:path}", include_in_schema=False)
    async def any_page(request: Request) -> Response:
        return web_page.answer(request)

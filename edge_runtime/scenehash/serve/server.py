"""scenehash.serve: a station's API and page, until it is stopped."""

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from scenehash.engines import is_address
from scenehash.errors import ConfigurationError, InputError, StoreError
from scenehash.model.hash_model import HashModel
from scenehash.progress import SILENT

from .app import make_app
from .collection import Collection
from .connections import settings
from .options import ServeOptions, is_loopback
from .served import Served
from .station import Station
from .warming import warming

DEFAULTS = ServeOptions()
# Seconds for running requests to end when the server ends.
GRACE = 3
BACKLOG = 128


def serve(
    store: str | Path,
    model: str | Path | HashModel | None = None,
    options: ServeOptions = DEFAULTS,
    stop: threading.Event | None = None,
    log: Callable[[str], None] = SILENT.message,
) -> None:
    """Serve the HTTP API of a store, and its page, until stop is set.

    store: its folder, or the address of an engine (scenehash.push), for searches. model: None means
    the shipped model; if another model made the store, only queries of images are refused. log:
    called with each line for a person; the first line is the address. docs/http.md describes the
    API, docs/serve.md the access control.

    Raises StoreError when there is no store, EngineError when no store was pushed to the engine,
    ModelError, ConfigurationError on contradictory options: for example an address that others can
    reach, without any token.
    """
    stop = stop or threading.Event()
    loaded = model if isinstance(model, HashModel) else HashModel.load(model)
    with contextlib.closing(_opened(store, loaded, options, log)) as served:
        _check(served, options)
        with _bound(options) as listening:
            scheme = "https" if options.certificate else "http"
            host, port = listening.getsockname()[:2]
            log(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")
            if not (options.certificate or is_loopback(options.host)):
                log(
                    "the connection is not encrypted, and others can read tokens: use "
                    "--certificate and --key, or a proxy on this machine (docs/serve.md)"
                )
            config = uvicorn.Config(
                make_app(served),
                **settings(options.most_connections),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE,
                ssl_certfile=options.certificate,
                ssl_keyfile=options.key,
            )
            _log_errors(log)
            own = warming(served.path) if isinstance(served, Station) else contextlib.nullcontext()
            with own:
                _Server(config, stop, served).run([listening])


def _opened(
    store: str | Path, model: HashModel, options: ServeOptions, log: Callable[[str], None]
) -> Served:
    if isinstance(store, str) and is_address(store):
        return Collection(store, model, options, log)
    return Station(Path(store), model, options, log)


class _Server(uvicorn.Server):
    """A server that ends when stop is set; it ignores signals."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event, served: Served) -> None:
        super().__init__(config)
        self._stop, self._served = stop, served

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the caller."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; returns whether to end."""
        return await super().on_tick(counter) or self._stop.is_set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; first disconnect the listeners of events."""
        if isinstance(self._served, Station):
            await self._served.feed.stop()
        await super().shutdown(sockets)


class _LogLines(logging.Handler):
    """Passes uvicorn's warnings and errors on as lines."""

    def __init__(self, log: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """See logging."""
        line = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            line = f"{line.strip()}: {record.exc_info[1]!r}"
        self._log(line)


def _log_errors(log: Callable[[str], None]) -> None:
    logger = logging.getLogger("uvicorn.error")
    logger.handlers = [_LogLines(log)]
    logger.propagate = False


def _check(served: Served, options: ServeOptions) -> None:
    """Raise unless the options are possible and safe."""
    if (options.certificate is None) != (options.key is None):
        raise ConfigurationError("--certificate and --key belong together")
    if options.certificate is not None and options.key is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                options.certificate, options.key
            )
        except OSError as error:
            raise InputError(
                f"the certificate cannot be used ({error.strerror or error})", options.certificate
            ) from error
    if options.needs_token and not served.tokens.list():
        raise ConfigurationError(
            "other machines can reach this server, but there is no token: make one with "
            f"scenehash serve token add NAME {_whose(served)}"
        )
    if options.accept is not None and not options.accept.is_dir():
        raise InputError("no folder to keep scenes in", options.accept)
    if options.accept is not None and Path(served.address).resolve() in (
        options.accept.resolve(),
        *options.accept.resolve().parents,
    ):
        raise ConfigurationError(f"--accept {options.accept}: not inside the store's folder")


def _whose(served: Served) -> str:
    return f"--store {served.address}" + (
        f" --tokens {served.options.tokens}" if served.options.tokens else ""
    )


def _bound(options: ServeOptions) -> socket.socket:
    """A listening socket; StoreError when the address is not available."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        address = (options.host, options.port)
        listening = socket.create_server(address, family=family, backlog=BACKLOG)
        # Send parts of an answer at once, as asyncio does for its own sockets.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(
            f"{options.host}:{options.port}: cannot listen there ({reason}); "
            "choose another --port or --host"
        ) from error

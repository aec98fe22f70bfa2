"""`scenehash serve`: the API, the page and the access tokens."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scenehash.serve.options import ServeOptions

from .console import AsJson, UsageError, counted, notice, report
from .help import examples
from .interrupts import stopping
from .options import CORES, STORE_VARIABLE, ModelPath, StorePath, Threads

if TYPE_CHECKING:
    from scenehash.serve.tokens import Tokens

EXAMPLES = examples(
    "scenehash serve --store my.store",
    "scenehash serve --store my.store --host 0.0.0.0 --port 8443",
    "scenehash serve --store my.store --name station.example.org",
    "scenehash serve --store milvus://localhost:19530/tiles",
)

OptionalStore = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar=STORE_VARIABLE,
        metavar="FOLDER",
        help="Use the code store in this folder, or the engine at this address (scenehash push).",
    ),
]
TokensPath = Annotated[
    Path | None,
    typer.Option(
        "--tokens",
        metavar="FILE",
        help="Keep tokens in this file.",
        show_default="serve/tokens.json in the store's folder",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = typer.Typer(epilog=EXAMPLES)
    group.callback(invoke_without_command=True)(serve_command)
    tokens = typer.Typer(help="Manage the access tokens of a server that others can reach.")
    for command, line in (
        (add_command, "scenehash serve token add anna --scope confirm --store my.store"),
        (list_command, "scenehash serve token list --store my.store"),
        (revoke_command, "scenehash serve token revoke anna --store my.store"),
    ):
        name = command.__name__.removesuffix("_command")
        tokens.command(name, epilog=examples(line))(command)
    group.add_typer(tokens, name="token", no_args_is_help=True)
    app.add_typer(group, name="serve")


def serve_command(
    context: typer.Context,
    store: OptionalStore = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Listen at this address, from which other machines need a token; 0.0.0.0 means "
            "all addresses of this machine.",
        ),
    ] = ServeOptions.host,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, metavar="N", help="Listen at this port; 0: any free port."),
    ] = ServeOptions.port,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="HOST",
            help="Answer to this host name, too, for example of a proxy, and require a token; may "
            "be repeated.",
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Serve HTTPS with this certificate (PEM)."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this key of the certificate (PEM).")
    ] = None,
    accept: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Accept scenes by upload, and keep their files in this folder."
        ),
    ] = None,
    tokens: TokensPath = None,
    connections: Annotated[
        int, typer.Option(min=1, metavar="N", help="Answer at most this many connections at once.")
    ] = ServeOptions.most_connections,
    model: ModelPath = None,
    threads: Threads = CORES,
) -> None:
    """Serve a store's HTTP API and page.

    The command prints the address of the page. Programs on this machine need no token; other
    machines need a token (see: scenehash serve token). Ctrl-C ends the server.
    """
    if context.invoked_subcommand is not None:
        return
    if store is None:
        raise UsageError(f"which store? Give --store FOLDER, or set {STORE_VARIABLE}")
    from scenehash.errors import extra_needed

    with extra_needed("serve"):
        from scenehash.serve.server import serve

    options = ServeOptions(
        host, port, tuple(names or ()), certificate, key, tokens, accept, threads, connections
    )
    with stopping() as stop:
        serve(store, model, options, stop.asked, notice)
    stop.raise_if_asked()


def add_command(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name the person or program that gets the token.")
    ],
    store: StorePath,
    scope: Annotated[
        Literal["read", "confirm", "write"],
        typer.Option(
            help="Allow to read and search (read), also to judge matches (confirm), or to do "
            "everything (write)."
        ),
    ] = "read",
    tokens: TokensPath = None,
    as_json: AsJson = False,
) -> None:
    """Make a token, and show it once.

    The file stores only a hash of the token. A running server accepts the token immediately.
    """
    file = _tokens(store, tokens)
    text = file.add(name, scope)
    document = {"token": text, "name": name, "scope": scope, "file": str(file.path)}
    report(document, as_json, text)
    if not as_json:
        notice(f"a token for {name}, scope {scope}; copy it now: it is not shown again")


def list_command(store: StorePath, tokens: TokensPath = None, as_json: AsJson = False) -> None:
    """List tokens without their secrets."""
    file = _tokens(store, tokens)
    found = file.list()
    document = {"file": str(file.path), "tokens": [token.document() for token in found]}
    lines = [f"{token.id}  {token.scope:8}  {token.created}  {token.name}" for token in found]
    report(document, as_json, *lines, f"{file.path}: {counted(len(found), 'token')}")


def revoke_command(
    named: Annotated[
        str, typer.Argument(metavar="TOKEN", help="Revoke the tokens with this id or name.")
    ],
    store: StorePath,
    tokens: TokensPath = None,
    as_json: AsJson = False,
) -> None:
    """Revoke tokens.

    A running server refuses the tokens from the next request on.
    """
    file = _tokens(store, tokens)
    gone = file.revoke(named)
    document = {"file": str(file.path), "revoked": [token.document() for token in gone]}
    report(document, as_json, f"{file.path}: {counted(len(gone), 'token')} revoked")


def _tokens(store: Path, file: Path | None) -> "Tokens":
    from scenehash.serve.options import ServeOptions
    from scenehash.serve.tokens import Tokens
    from scenehash.store import CodeStore

    if file is None:
        CodeStore.open(store).close()
    return Tokens(ServeOptions(tokens=file).tokens_file(store))

"""The command `scenehash`: a group of commands a module, and one place where errors end."""

import importlib.metadata
import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from .commands import demo, ingest, search, store
from .console import EXIT_FAILED, EXIT_INTERRUPTED, notice
from .errors import ScenehashError

PLUGINS = "scenehash.commands"


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (TyperException, typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt as error:
            notice("interrupted; what was finished is kept: give the same command to go on")
            raise typer.Exit(EXIT_INTERRUPTED) from error
        except Exception as error:
            if ctx.params["debug"]:
                raise
            known = isinstance(error, ScenehashError)
            notice(
                f"error: {error}" if known else f"error: unforeseen {error!r}; see it with --debug"
            )
            raise typer.Exit(EXIT_FAILED) from error


def _prepare(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Find similar remote-sensing scenes, offline."""
    if version:
        typer.echo(importlib.metadata.version("scenehash"))
        raise typer.Exit
    if not debug:
        warnings.showwarning = lambda message, *_: notice(f"warning: {message}")


def _build() -> typer.Typer:
    app = typer.Typer(
        cls=_Commands,
        callback=_prepare,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for module in (demo, ingest, search, store):
        module.register(app)
    for plugin in sorted(importlib.metadata.entry_points(group=PLUGINS)):
        plugin.load()(app)
    return app


def main() -> None:
    """Run the command line."""
    _build()()

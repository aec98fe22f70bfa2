"""The command `scenehash`: a group of commands a module, and one place where errors end."""

import importlib.metadata
import os
import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from scenehash.errors import PluginError, ScenehashError

from . import alert, bench, demo, doctor, ingest, quarantine, search, store, tiles, watch
from .console import EXIT_FAILED, EXIT_INTERRUPTED, notice

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
            what = str(error) if known else f"unforeseen {error!r}; see it with --debug"
            notice(f"error: {what}")
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


def build_app() -> typer.Typer:
    """The command line with the device's commands and those of the plugins."""
    app = typer.Typer(
        cls=_Commands,
        callback=_prepare,
        invoke_without_command=True,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )
    for module in (demo, ingest, watch, alert, search, store, quarantine, tiles, doctor, bench):
        module.register(app)
    for plugin in sorted(importlib.metadata.entry_points(group=PLUGINS)):
        _add_plugin(app, plugin)
    return app


def _add_plugin(app: typer.Typer, plugin: importlib.metadata.EntryPoint) -> None:
    """Add a plugin's commands; one that cannot be imported shows in --help, and says why if called.

    The name of the entry point stands for its commands then.
    """
    try:
        plugin.load()(app)
    except Exception as error:  # a plugin may fail in any way, and takes no other command down
        reason = f"{type(error).__name__}: {error}"

        def broken() -> None:
            raise PluginError(f"{plugin.name}: its package {plugin.value} is broken ({reason})")

        settings = {"allow_extra_args": True, "ignore_unknown_options": True}
        summary = f"Not available: {reason}"
        app.command(plugin.name, help=summary, context_settings=settings)(broken)


def main() -> None:
    """Run the command line."""
    # What OpenCV finds wrong with a file is said once, by us.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    build_app()()

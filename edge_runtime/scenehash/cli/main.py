"""The command `scenehash`: one module for each command or group, and the handling of errors."""

import contextlib
import gc
import os
import re
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from scenehash.errors import PluginError, ScenehashError

from .console import UsageError, give_up_output, notice, report
from .exit_status import EXIT_FAILED, STATUSES
from .help import give_all, in_words
from .interrupts import end_by_signal_outside_commands, exit_status, interruptible
from .register import continues

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

# The modules of commands, in the order of --help. Each registers the command or group of its name.
COMMANDS = (
    "demo",
    "ingest",
    "watch",
    "alert",
    "search",
    "push",
    "serve",
    "store",
    "archive",
    "adapt",
    "rehash",
    "link",
    "quarantine",
    "trust",
    "tiles",
    "doctor",
    "bench",
)
PLUGINS = "scenehash.commands"

# Modules that Python has only on POSIX systems.
POSIX_MODULES = ("fcntl", "resource")

_EMPTY_OPTION = re.compile("--[a-z-]+=")


class _Commands(TyperGroup):
    """All commands. An error is one line, and with --json also one JSON document."""

    _as_json = False

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **more: Any) -> Any:
        words = args[: args.index("--")] if "--" in args else args
        self._as_json = "--json" in words
        with self._errors_in_one_line("--debug" in words):
            # As a path it would be the folder that one is in.
            if any(arg == "" or _EMPTY_OPTION.fullmatch(arg) for arg in args):
                raise UsageError("an argument is empty, as of a variable that is not set")
            return super().make_context(info_name, args, *rest, **more)

    def invoke(self, ctx: Any) -> Any:
        with self._errors_in_one_line(ctx.params["debug"]), interruptible():
            return super().invoke(ctx)

    @contextlib.contextmanager
    def _errors_in_one_line(self, debug: bool) -> Iterator[None]:
        try:
            yield
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except TyperException as error:
            # Only typer's private part has this class. Its message is the help text.
            if type(error).__name__ == "NoArgsIsHelpError":
                raise
            context = getattr(error, "ctx", None)
            hint = f" (see: {context.command_path} --help)" if context else ""
            message = in_words(error.format_message())
            self._end("UsageError", f"{message}{hint}", error.exit_code, error)
        except KeyboardInterrupt as error:
            self._end("Interrupted", _interrupted(error), exit_status(error), error)
        except Exception as error:
            if debug:
                raise
            self._end(type(error).__name__, _message(error), EXIT_FAILED, error)

    def _end(self, kind: str, message: str, status: int, error: BaseException) -> None:
        try:
            notice(message if kind == "Interrupted" else f"error: {message}")
            if self._as_json:
                document = {"type": kind, "message": message, "exit_status": status}
                report({"error": document}, as_json=True)
        except OSError:
            # The terminal may be gone. Buffered output would then make the exit status 120.
            give_up_output()
        raise typer.Exit(status) from error


def _interrupted(error: KeyboardInterrupt) -> str:
    if continues(error):
        return "interrupted: finished work is kept; run the same command again to continue"
    return "interrupted"


def _message(error: Exception) -> str:
    if isinstance(error, ScenehashError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and error.name in POSIX_MODULES:
        return f"this needs Linux or macOS (for the module {error.name}); on Windows, use WSL"
    return f"unexpected {error!r}; for details: scenehash --debug ..."


def _prepare(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the full traceback of an error.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Find similar remote-sensing scenes, offline."""
    if version:
        from importlib.metadata import version as installed  # it takes 12 ms to import

        typer.echo(installed("scenehash"))
        raise typer.Exit
    if not debug:
        warnings.showwarning = lambda message, *_: notice(f"warning: {message}")


def build_app(called: str | None = None) -> typer.Typer:
    """The command line with its own commands and the commands of plugins.

    called: the given command. If it is one of COMMANDS, only its module is loaded: a search then
    starts a tenth of a second sooner.
    """
    app = typer.Typer(
        cls=_Commands,
        callback=_prepare,
        invoke_without_command=True,
        no_args_is_help=True,
        # Plain text: complete at 80 columns, in a log, and in half the time of boxes.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=STATUSES,
    )
    only = called if called in COMMANDS else None
    for name in COMMANDS if only is None else (only,):
        import_module(f".{name}", __package__).register(app)
    if only is None:
        from importlib.metadata import entry_points

        for plugin in sorted(entry_points(group=PLUGINS)):
            _add_plugin(app, plugin)
    give_all(app)
    return app


def _add_plugin(app: typer.Typer, plugin: "EntryPoint") -> None:
    """Add a plugin's commands.

    If the plugin cannot be imported, --help lists its entry point, and a call prints the reason.
    """
    try:
        plugin.load()(app)
    except Exception as error:  # a plugin may fail in any way, and other commands must still work
        reason = f"{type(error).__name__}: {error}"

        def broken() -> None:
            raise PluginError(f"{plugin.name}: its package {plugin.value} is broken ({reason})")

        settings = {"allow_extra_args": True, "ignore_unknown_options": True}
        summary = f"Not available: {reason}"
        app.command(plugin.name, help=summary, context_settings=settings)(broken)


def main() -> None:
    """Run the command line."""
    # Scenehash reports damaged files itself, once.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    # Otherwise pydantic reads the metadata of all installed packages to find its plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # A character that the terminal's encoding lacks is escaped, and raises no error.
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    # Loaded modules stay, so the garbage collector need not visit them: 5 % of a search's time.
    gc.freeze()
    end_by_signal_outside_commands()
    words = [word for word in sys.argv[1:] if word != "--debug"]
    build_app(words[0] if words else None)(prog_name="scenehash")

"""How commands are added to the command line: by their names, with examples, options in groups."""

import functools
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from inspect import Parameter, Signature, signature
from typing import Any

import typer

from .help import examples

Command = Callable[..., None]
SUFFIX = "_command"
CONTINUES = "continues"


def register_command(app: typer.Typer, command: Command, *lines: str) -> None:
    """Add a command to an app or a group, under its function's name without "_command".

    A parameter whose type is a dataclass stands for its fields, each an option or an argument.
    lines: examples for its help.
    """
    name = command.__name__.removesuffix(SUFFIX)
    app.command(name, epilog=examples(*lines))(_flat(command))


def continuing(command: Command) -> Command:
    """A command that, when it is interrupted, keeps what is finished, and continues another time.

    The line that says so is printed for these alone, see continues.
    """

    @functools.wraps(command)
    def marked(*given: Any, **named: Any) -> None:
        try:
            command(*given, **named)
        except KeyboardInterrupt as error:
            setattr(error, CONTINUES, True)
            raise

    return marked


def continues(error: KeyboardInterrupt) -> bool:
    """Whether a command that was interrupted continues when it is given again."""
    return bool(getattr(error, CONTINUES, False))


def register_group(app: typer.Typer, name: str, about: str) -> typer.Typer:
    """Add a group to an app, for commands that have a word in common."""
    group = typer.Typer(help=about)
    app.add_typer(group, name=name, no_args_is_help=True)
    return group


def _flat(command: Command) -> Command:
    """The command as typer reads it: each field of a group a parameter of its own."""
    groups: dict[str, Any] = {}
    parameters: list[Parameter] = []
    for parameter in signature(command).parameters.values():
        if is_dataclass(parameter.annotation):
            groups[parameter.name] = parameter.annotation
            parameters += _fields(groups[parameter.name])
        else:
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))
    if not groups:
        return command

    def flat(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    flat.__doc__ = command.__doc__
    flat.__annotations__ = {}
    flat.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return flat


@cache
def _fields(group: Any) -> list[Parameter]:
    return [
        Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(group)
    ]

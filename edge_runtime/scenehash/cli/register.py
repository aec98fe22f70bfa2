"""Adding commands to the command line: their names, their examples and their groups of options."""

import functools
from collections.abc import Callable
from copy import copy
from dataclasses import fields, is_dataclass
from functools import cache
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

import typer

from .help import examples
from .options import Words

Command = Callable[..., None]
SUFFIX = "_command"
CONTINUES = "continues"


def register_command(app: typer.Typer, command: Command, *lines: str) -> None:
    """Add a command to an app or a group. Its name is the function's name without "_command".

    If the type of a parameter is a dataclass, each field is an option or an argument. lines:
    examples for the help text.
    """
    name = command.__name__.removesuffix(SUFFIX)
    app.command(name, epilog=examples(*lines))(_flat(command))


def continuing(command: Command) -> Command:
    """Mark a command that keeps finished work when it is interrupted, and can continue.

    The message of an interruption then says that the command can continue; see continues.
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
    """Whether an interrupted command continues when the user runs it again."""
    return bool(getattr(error, CONTINUES, False))


def register_group(app: typer.Typer, name: str, about: str) -> typer.Typer:
    """Add a group of commands to an app."""
    group = typer.Typer(help=about)
    app.add_typer(group, name=name, no_args_is_help=True)
    return group


def _flat(command: Command) -> Command:
    """The command in typer's form: each field of a group is a parameter, with its words."""
    groups: dict[str, Any] = {}
    parameters: list[Parameter] = []
    for parameter in signature(command).parameters.values():
        if is_dataclass(parameter.annotation):
            groups[parameter.name] = parameter.annotation
            parameters += _fields(groups[parameter.name])
        else:
            annotation = _worded(parameter.annotation)
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=annotation))

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
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=_worded(field.type),
        )
        for field in fields(group)
    ]


def _worded(annotation: Any) -> Any:
    """An option's annotation; Words in it replace the option's own help text and default."""
    for words in getattr(annotation, "__metadata__", ()):
        if isinstance(words, Words):
            option = copy(annotation.__metadata__[0])
            option.help = words.help
            option.show_default = words.default or option.show_default
            return Annotated[annotation.__origin__, option]
    return annotation

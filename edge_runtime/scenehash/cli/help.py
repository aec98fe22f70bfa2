"""The form of commands and their help texts.

An option of one value may be given only once. Help texts fit a terminal of 80 columns, and name
types in words.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

# typer's words for types, defaults and ranges, and the words that the help text shows instead.
WORDS = (
    (r"<(int|int range)>", "N"),
    (r"<(float|float range)>", "X"),
    (r"<path>", "PATH"),
    (r"<str>", "TEXT"),
    (r"<(\w+(?:\|\w+)+)>", r"\1"),
    (r"default: \((.*?)\)(?=[;\]])", r"default: \1"),
    (r"(-?[\d.]+)<=x<=(-?[\d.]+)", r"\1 to \2"),
    (r"x>=(-?[\d.]+)", r"at least \1"),
    (r"x<=(-?[\d.]+)", r"at most \1"),
)
# Messages of pydantic, which checks values for typer, and the words that an error shows instead.
REFUSALS = (
    (r"Input should be a valid integer.*?(?= \(|$)", "give a whole number"),
    (r"Input should be a valid number.*?(?= \(|$)", "give a number"),
    (r"Input should be greater than or equal to (-?[\d.]+)", r"give at least \1"),
    (r"Input should be less than or equal to (-?[\d.]+)", r"give at most \1"),
    (r"Value error, ", ""),
)


def examples(*lines: str) -> str:
    """The examples at the end of a help text, each line at most 76 characters."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def give_all(app: typer.Typer) -> None:
    """Use this form of help for all commands of an app and of its groups."""
    for command in app.registered_commands:
        command.cls = _Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            # A group that is also a command has its own options.
            if group.typer_instance.registered_callback is not None:
                group.cls = _Group
            give_all(group.typer_instance)


class _Command(TyperCommand):
    def make_parser(self, ctx: Any) -> Any:
        """A parser that refuses repeated options, of which typer silently uses the last."""
        parser: Any = super().make_parser(ctx)
        parse = parser.parse_args

        def parse_each_once(args: list[str]) -> tuple[Any, list[str], list[Any]]:
            values, rest, order = parse(args=args)
            for param, count in Counter(order).items():
                if isinstance(param, TyperOption) and count > 1 and not param.multiple:
                    ctx.fail(f"{param.opts[0]}: given {count} times; give it once")
            return values, rest, order

        if not ctx.resilient_parsing:
            parser.parse_args = parse_each_once
        return parser

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [_argument(piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _format_options(self, ctx, formatter)


class _Group(TyperGroup):
    def format_options(self, ctx: Any, formatter: Any) -> None:
        _format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


def _format_options(command: Any, ctx: Any, formatter: Any) -> None:
    arguments, options = [], []
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is None:
            continue
        name, text = record
        if param.param_type_name == "argument":
            arguments.append((_argument(name.partition(" <")[0]), _in_words(text)))
        else:
            options.append((_in_words(name), _in_words(text)))
    for title, records in (("Arguments", arguments), ("Options", options)):
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def _argument(name: str) -> str:
    """An argument's name in capitals: {folders}... becomes FOLDERS..."""
    plain = re.sub(r"[{}]", "", name).upper()
    # A name of several arguments, such as [STORE] OTHER, needs no dots.
    return plain.removesuffix("...") if " " in plain else plain


def in_words(message: str) -> str:
    """An error of an argument, without the words of pydantic."""
    return _replaced(message, REFUSALS)


def _in_words(text: str) -> str:
    return _replaced(text, WORDS)


def _replaced(text: str, words: Iterable[tuple[str, str]]) -> str:
    for pattern, read in words:
        text = re.sub(pattern, read, text)
    return text

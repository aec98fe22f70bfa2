"""Write docs/api.md from the docstrings of all public names.

    python docs/make_api.py            write the page
    python docs/make_api.py --check    exit status 1 when the page is not up to date

Public is what the `__all__` of each package lists. The source is parsed, not imported.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "api.md"
PACKAGES = {"scenehash": "edge_runtime", "scenehash_train": "train", "scenehash_export": "export"}
HEAD = """# Python API

`make api` makes this page from the docstrings; do not edit it. Every command calls a function of
this page. Library functions never print: they report to a `Progress`. Foreseeable errors raise a
subclass of `ScenehashError`, whose text is one line.
"""
WIDTH = 88


def api_page() -> str:
    """The text of docs/api.md."""
    modules = [
        griffe.load(package, search_paths=[ROOT / folder], resolve_aliases=True)
        for package, folder in PACKAGES.items()
    ]
    contents = [f"- [`{module.name}`](#{module.name}): {_first_line(module)}" for module in modules]
    parts = [HEAD, "\n".join(contents) + "\n"]
    for module in modules:
        assert isinstance(module, griffe.Module)
        parts.extend(_package(module))
    return "\n".join(parts).rstrip() + "\n"


def _package(module: griffe.Module) -> Iterator[str]:
    yield f"## {module.name}\n\n{_text(module)}"
    for name in sorted(map(str, module.exports or []), key=lambda name: (name[0].isupper(), name)):
        member = module[name]
        target = member.final_target if member.is_alias else member
        if isinstance(target, griffe.Class):
            yield from _class(module.name, target)
        elif isinstance(target, griffe.Function):
            yield f"### {module.name}.{name}\n\n{_code(_signature(target))}\n\n{_text(target)}"
        else:
            yield f"### {module.name}.{name}\n\n{_text(target)}"


def _class(package: str, found: griffe.Class) -> Iterator[str]:
    made = found.members.get("__init__")
    call = ""
    if isinstance(made, griffe.Function) and not _is_data(found):
        call = _code(_signature(made).replace("__init__", found.name, 1).removesuffix(" -> None"))
        call += "\n\n"
    yield f"### {package}.{found.name}\n\n{call}{_text(found)}"
    fields = [
        member
        for member in found.members.values()
        if isinstance(member, griffe.Attribute)
        and member.annotation is not None
        and not member.name.startswith("_")
        and "property" not in member.labels
    ]
    if fields and _is_data(found):
        lines = [f"{field.name}: {field.annotation}{_default(field)}" for field in fields]
        yield _code("\n".join(lines)) + "\n"
    for member in found.members.values():
        if not member.docstring or member.name.startswith("_"):
            continue
        if isinstance(member, griffe.Function):
            title = f"#### {found.name}.{member.name}"
            yield f"{title}\n\n{_code(_signature(member))}\n\n{_text(member)}"
        elif "property" in member.labels:
            assert isinstance(member, griffe.Attribute)
            yield f"#### {found.name}.{member.name}: {member.annotation}\n\n{_text(member)}"


def _is_data(found: griffe.Class) -> bool:
    """Whether the annotations of a class are its fields."""
    dataclass = any("dataclass" in str(decorator.value) for decorator in found.decorators)
    return dataclass or any("Model" in str(base) for base in found.bases)


def _default(field: griffe.Attribute) -> str:
    return "" if field.value is None else f" = {field.value}"


def _signature(function: griffe.Function) -> str:
    """The call with its annotations, a parameter a line where one line is too narrow."""
    texts: list[str] = []
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        kind = parameter.kind
        if kind is griffe.ParameterKind.keyword_only and "*" not in "".join(texts):
            texts.append("*")
        stars = {"variadic positional": "*", "variadic keyword": "**"}.get(kind.value, "")
        text = f"{stars}{parameter.name}"
        text += f": {parameter.annotation}" if parameter.annotation is not None else ""
        text += f" = {parameter.default}" if parameter.default is not None and not stars else ""
        texts.append(text)
    returns = "" if function.returns is None else f" -> {function.returns}"
    line = f"{function.name}({', '.join(texts)}){returns}"
    if len(line) <= WIDTH:
        return line
    body = "".join(f"    {text},\n" for text in texts)
    return f"{function.name}(\n{body}){returns}"


def _code(text: str) -> str:
    return f"```text\n{text}\n```"


def _text(documented: griffe.Object | griffe.Alias) -> str:
    """A docstring; lines in columns (a name, spaces, words) keep their shape."""
    if not documented.docstring:
        return ""
    parts = re.split(r"(^```.*?^```$)", documented.docstring.value, flags=re.M | re.S)
    columns = re.compile(r"(?:^\S+(?:, \S+)* {2,}\S.*\n?)+", re.M)
    parts[::2] = [
        columns.sub(lambda found: _code(found[0].rstrip()) + "\n", part) for part in parts[::2]
    ]
    return "".join(parts).rstrip() + "\n"


def _first_line(documented: griffe.Object | griffe.Alias) -> str:
    return _text(documented).split("\n")[0]


def main() -> None:
    page = api_page()
    if "--check" not in sys.argv:
        PAGE.write_text(page)
    elif PAGE.read_text() != page:
        sys.exit(f"{PAGE}: not up to date; run make api")


if __name__ == "__main__":
    main()

"""The description of the API for people: its OpenAPI document as a page, without a script."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem }
code, pre { font: 14px/1.4 ui-monospace, monospace } pre { overflow: auto; padding: .5rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .25rem .5rem; border-top: 1px solid #8886 }
h2 { margin-top: 2.5rem } h3 { margin: 2rem 0 .25rem }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } a { color: #8bf } }
"""


def page(document: Mapping[str, Any]) -> str:
    """An OpenAPI document as HTML."""
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>{escape(info['title'])}</title>",
        "<link rel=stylesheet href=/api/docs.css></head><body>",
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
        f"<p>{escape(info.get('description', ''))}</p>",
        "<p><a href=/api/openapi.json>openapi.json</a></p>",
    ]
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            (tag, *_) = operation.get("tags", ["other"])
            groups.setdefault(tag, []).append("".join(_operation(method, path, operation)))
    for tag, operations in groups.items():
        parts += [f"<h2>{escape(tag)}</h2>", *operations]
    parts.append("<h2>documents</h2>")
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        parts += [
            f"<h3 id='{escape(name, quote=True)}'>{escape(name)}</h3>",
            f"<p>{escape(schema.get('description', ''))}</p>",
            *_fields(schema),
        ]
    return "\n".join([*parts, "</body></html>"])


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h3><code>{method.upper()} {escape(path)}</code></h3>"
    yield f"<p>{escape(operation.get('description', ''))}</p>"
    parameters = operation.get("parameters", [])
    if parameters:
        yield "<table><tr><th>parameter<th>in<th>type<th>"
        for one in parameters:
            words = one.get("description") or one["schema"].get("description", "")
            needed = " (required)" if one.get("required") else ""
            yield (
                f"<tr><td><code>{escape(one['name'])}</code>{needed}<td>{escape(one['in'])}"
                f"<td>{_type(one['schema'])}<td>{escape(words)}"
            )
        yield "</table>"
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>body, <code>{escape(media)}</code>: {_type(body.get('schema', {}))}</p>"


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "<table>"
    for name, field in schema.get("properties", {}).items():
        needed = " (required)" if name in schema.get("required", []) else ""
        default = f"; default {field['default']!r}" if "default" in field else ""
        yield (
            f"<tr><td><code>{escape(name)}</code>{needed}<td>{_type(field)}{escape(default)}"
            f"<td>{escape(field.get('description', ''))}"
        )
    yield "</table>"


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2], quote=True)
        return f"<a href='#{name}'>{name}</a>"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(_type(one) for one in schema[key])
    if schema.get("type") == "array":
        inner = schema.get("items") or {}
        return f"list of {_type(inner)}" if inner else "list"
    if "enum" in schema:
        return escape(" | ".join(map(str, schema["enum"])))
    return escape(str(schema.get("format") or schema.get("type", "any")))

"""Draw docs/architecture.svg: the rooms of scenehash, and which imports which.

    python docs/make_architecture.py            write the picture
    python docs/make_architecture.py --check    exit status 1 when it is not up to date

The layers are those of the import-linter contract in pyproject.toml; the imports are what grimp
finds in the source; a room's words are the first line of its docstring.
"""

import ast
import sys
import textwrap
import tomllib
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"
SOURCES = {"scenehash": "edge_runtime", "scenehash_train": "train", "scenehash_export": "export"}
WIDTH, MARGIN, GAP = 1000, 16, 12
# Of a box: its name, and each line of text below it.
HEAD, LINE = 32, 16
SMALL_CHARACTERS_A_PIXEL = 1 / 5.7


def picture() -> str:
    """The text of docs/architecture.svg."""
    sys.path[:0] = [str(ROOT / folder) for folder in SOURCES.values()]
    graph = grimp.build_graph(*SOURCES, cache_dir=None, exclude_type_checking_imports=True)
    rows = [[name] for name in reversed(SOURCES) if name != "scenehash"]
    rows += [[f"scenehash.{room.strip()}" for room in layer.split("|")] for layer in _layers()]
    rooms = [room for row in rows for room in row]
    for room in rooms:
        if graph.find_children(room):
            graph.squash_module(room)
    boxes: list[str] = []
    top = MARGIN
    for row in rows:
        width = (WIDTH - 2 * MARGIN - (len(row) - 1) * GAP) / len(row)
        texts = []
        for room in row:
            imports = graph.find_modules_directly_imported_by(room) & set(rooms) - {room}
            ordered = sorted(imports, key=rooms.index)
            texts.append((_wrapped(_first_line(room), width), _wrapped(_arrows(ordered), width)))
        height = HEAD + LINE * max(len(words) + len(arrows) for words, arrows in texts)
        for column, (room, (words, arrows)) in enumerate(zip(row, texts, strict=True)):
            boxes += _box(room, words, arrows, MARGIN + column * (width + GAP), top, width, height)
        top += height + GAP
    height = top - GAP + MARGIN
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    return "\n".join([*head, *boxes, "</svg>"]) + "\n"


def _layers() -> list[str]:
    """The layers inside scenehash, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (
        contract["layers"]
        for contract in settings["contracts"]
        if contract.get("containers") == ["scenehash"]
    )
    return list(layers)


def _box(
    room: str,
    words: list[str],
    arrows: list[str],
    left: float,
    top: int,
    width: float,
    height: int,
) -> list[str]:
    fill = "#eef3f8" if room.startswith("scenehash.") else "#f6f0e4"
    name = room.removeprefix("scenehash.")
    x = left + 10
    lines = [(line, "#333") for line in words] + [(line, "#8a3324") for line in arrows]
    return [
        f'<rect x="{left:.0f}" y="{top}" width="{width:.0f}" height="{height}" rx="6" '
        f'fill="{fill}" stroke="#7a8894"/>',
        f'<text x="{x:.0f}" y="{top + 20}" font-size="15" font-weight="bold">{escape(name)}</text>',
        *(
            f'<text x="{x:.0f}" y="{top + HEAD + 6 + LINE * number}" font-size="11" '
            f'fill="{colour}">{escape(line)}</text>'
            for number, (line, colour) in enumerate(lines)
        ),
    ]


def _arrows(imports: list[str]) -> str:
    others = ", ".join(other.removeprefix("scenehash.") for other in imports)
    return f"\u2192 {others}" if others else ""


def _wrapped(text: str, width: float) -> list[str]:
    """A text as lines that fit a box."""
    return textwrap.wrap(text, int((width - 16) * SMALL_CHARACTERS_A_PIXEL))


def _first_line(room: str) -> str:
    package, *parts = room.split(".")
    path = ROOT / SOURCES[package] / package / "/".join(parts)
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n")[0]


def main() -> None:
    drawn = picture()
    if "--check" not in sys.argv:
        PICTURE.write_text(drawn)
    elif PICTURE.read_text() != drawn:
        sys.exit(f"{PICTURE}: not up to date; run make docs")


if __name__ == "__main__":
    main()

"""Draw docs/architecture.svg: the rooms of scenehash, and which imports which.

    python docs/make_architecture.py            write the picture
    python docs/make_architecture.py --check    exit status 1 when it is not up to date

The layers are those of the import-linter contract in pyproject.toml; the imports are what grimp
finds in the source; a room's words are the first line of its docstring.
"""

import ast
import sys
import tomllib
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"
SOURCES = {"scenehash": "edge_runtime", "scenehash_train": "train", "scenehash_export": "export"}
WIDTH, MARGIN, GAP, HEIGHT = 1000, 16, 12, 66
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
    height = 2 * MARGIN + len(rows) * HEIGHT + (len(rows) - 1) * GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, row in enumerate(rows):
        top = MARGIN + number * (HEIGHT + GAP)
        width = (WIDTH - 2 * MARGIN - (len(row) - 1) * GAP) / len(row)
        for column, room in enumerate(row):
            left = MARGIN + column * (width + GAP)
            imports = graph.find_modules_directly_imported_by(room) & set(rooms) - {room}
            ordered = sorted(imports, key=rooms.index)
            parts += _box(room, ordered, left, top, width)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _layers() -> list[str]:
    """The layers inside scenehash, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (
        contract["layers"]
        for contract in settings["contracts"]
        if contract.get("containers") == ["scenehash"]
    )
    return list(layers)


def _box(room: str, imports: list[str], left: float, top: int, width: float) -> list[str]:
    fill = "#eef3f8" if room.startswith("scenehash.") else "#f6f0e4"
    name = room.removeprefix("scenehash.")
    others = ", ".join(other.removeprefix("scenehash.") for other in imports)
    arrows = _fitted(f"\u2192 {others}", width) if others else ""
    words = _fitted(_first_line(room), width)
    x = left + 10
    return [
        f'<rect x="{left:.0f}" y="{top}" width="{width:.0f}" height="{HEIGHT}" rx="6" '
        f'fill="{fill}" stroke="#7a8894"/>',
        f'<text x="{x:.0f}" y="{top + 20}" font-size="15" font-weight="bold">{escape(name)}</text>',
        f'<text x="{x:.0f}" y="{top + 38}" font-size="11" fill="#333">{escape(words)}</text>',
        f'<text x="{x:.0f}" y="{top + 55}" font-size="11" fill="#8a3324">{escape(arrows)}</text>',
    ]


def _fitted(text: str, width: float) -> str:
    """A text, cut with an ellipsis where it is wider than a box."""
    most = int((width - 16) * SMALL_CHARACTERS_A_PIXEL)
    return text if len(text) <= most else text[: most - 1].rstrip(" ,:;") + "\u2026"


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

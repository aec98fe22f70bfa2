"""The docs are true: their blocks run, and what they name exists."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command

from scenehash.cli.main import build_app

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks" / "README.md"],
    key=lambda page: page.relative_to(ROOT).as_posix(),
)
PACKAGES = ("scenehash", "scenehash_train", "scenehash_export")
LANGUAGES = {"sh", "console", "python", "text", "json", "toml", "ini", "dockerfile", "sql", "yaml"}
RUNNABLE = {"sh", "python"}
README_BYTES = 6000
# Pages whose options are those of benchmarks and tools, too.
OF_OTHER_PROGRAMS = {"CONTRIBUTING.md", "benchmarks/README.md", "docs/results/search.md"}
OWN_FOLDERS = (
    "edge_runtime", "train", "export", "web", "tests", "benchmarks", "docs", ".ci", ".github",
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    line: int


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    found, language, begun = [], "", 0
    lines = page.read_text().split("\n")
    for number, line in enumerate(lines, 1):
        if not line.startswith("```"):
            continue
        if begun:
            found.append(Block(language, "\n".join(lines[begun : number - 1]) + "\n", begun))
            begun = 0
        else:
            language, begun = line.removeprefix("```"), number
    assert not begun, f"{name(page)}:{begun}: a block without an end"
    return found


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def spans(page: Path) -> list[str]:
    """What stands between backquotes in the prose."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def command_lines(page: Path) -> Iterator[str]:
    """Whatever a reader may type that begins with scenehash."""
    lines = [span for span in spans(page) if span.startswith("scenehash ")]
    for block in blocks(page):
        text = block.text.replace("\\\n", " ")
        if block.language == "sh":
            lines += text.split("\n")
        elif block.language == "console":
            lines += [line.removeprefix("$ ") for line in text.split("\n") if line[:2] == "$ "]
    for line in lines:
        for part in re.split(r"&&|\|\||;|\|", line.split(" #")[0]):
            if part.strip().startswith("scenehash "):
                yield part.strip()


def commands() -> dict[str, set[str]]:
    """The options of each command, by its words."""
    found: dict[str, set[str]] = {}

    def walk(command: object, words: list[str]) -> None:
        children = getattr(command, "commands", None)
        if children is None or (words and getattr(command, "invoke_without_command", False)):
            options = {
                option
                for one in getattr(command, "params", ())
                for option in (*one.opts, *one.secondary_opts)
            }
            found[" ".join(words)] = {option for option in options if option.startswith("-")}
        for child, inner in (children or {}).items():
            walk(inner, [*words, child])

    walk(get_command(build_app()), [])
    return found


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return plain.strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_names_a_known_language(page: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{name(page)}:{block.line}: {block.language!r}"
    indented = re.search(r"\n\n( {4}\S.*)", re.sub(r"^(- |\d+\. ).*(\n .*)*", "", prose(page)))
    assert indented is None, f"{name(page)}: an indented block: {indented}"


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which blocks run: scenehash and python are those of this test."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "python").symlink_to(sys.executable)
    scenehash = folder / "scenehash"
    start = "from scenehash.cli.main import main; main()"
    scenehash.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "{start}" "$@"\n')
    scenehash.chmod(0o755)
    sources = os.pathsep.join(str(ROOT / top) for top in ("edge_runtime", "train", "export"))
    return {
        **{key: text for key, text in os.environ.items() if not key.startswith("SCENEHASH_")},
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": sources,
        "SCENEHASH_CACHE": str(folder / "cache"),
        "COLUMNS": "120",
    }


@pytest.fixture(scope="session")
def demo(tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that scenehash demo makes, which blocks may use."""
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run(["scenehash", "demo"], cwd=folder, env=tools, check=True, capture_output=True)
    return folder / "scenehash-demo"


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(b.language in RUNNABLE for b in blocks(page))], ids=name
)
def test_the_blocks_of_a_page_run_one_after_another(
    page: Path, tools: dict[str, str], demo: Path, tmp_path: Path
) -> None:
    runnable = [block for block in blocks(page) if block.language in RUNNABLE]
    shutil.copytree(demo, tmp_path / "scenehash-demo")
    for block in runnable:
        shell = ["bash", "-euo", "pipefail", "-c", block.text]
        command = shell if block.language == "sh" else [sys.executable, "-c", block.text]
        done = subprocess.run(command, cwd=tmp_path, env=tools, capture_output=True, text=True)
        assert done.returncode == 0, f"{name(page)}:{block.line}:\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_and_option_that_is_named_exists(page: Path) -> None:
    known = commands()
    for line in command_lines(page):
        words = shlex.split(line)[1:]
        words = words[1:] if words[0] == "--debug" else words
        where = f"{name(page)}: {line}"
        command = next(
            (" ".join(words[:n]) for n in (3, 2, 1) if " ".join(words[:n]) in known), None
        )
        if command is None:
            assert words[0] in {"--help", "COMMAND", "--version", "--install-completion"}, where
            continue
        used = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert used <= known[command] | {"--help"}, where
    if name(page) not in OF_OTHER_PROGRAMS:
        every = set.union(*known.values()) | {"--debug", "--help"}
        for span in spans(page):
            if re.match(r"--[a-z]", span):
                assert span.split()[0].split("=")[0] in every, f"{name(page)}: {span}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_and_path_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path) if path else page
        assert linked.exists(), f"{name(page)}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", prose(linked), flags=re.MULTILINE)
            assert anchor in map(slug, headings), f"{name(page)}: {target}"
    for span in spans(page):
        if re.fullmatch(rf"({'|'.join(map(re.escape, OWN_FOLDERS))})/[\w./-]*", span):
            assert (ROOT / span).exists(), f"{name(page)}: {span}"
        for script in re.findall(r"python ((?:benchmarks|tests|docs)/\S+\.py)", span):
            assert (ROOT / script).exists(), f"{name(page)}: {script}"


def test_every_command_has_a_help_text_and_stands_in_the_docs() -> None:
    app = build_app()
    text = "".join((ROOT / "docs" / f"{one}.md").read_text() for one in ("commands", "training"))
    for command in commands():
        assert f"scenehash {command}" in text, command
    named = list(app.registered_commands)
    for group in app.registered_groups:
        assert group.typer_instance is not None
        named += group.typer_instance.registered_commands
        for inner in group.typer_instance.registered_groups:
            assert inner.typer_instance is not None
            named += inner.typer_instance.registered_commands
    assert all(command.callback.__doc__ for command in named)


def test_the_readme_is_short_and_shows_a_query() -> None:
    readme = (ROOT / "README.md").read_bytes()
    assert len(readme) <= README_BYTES
    picture = ROOT / "docs" / "query.jpg"
    assert picture.stat().st_size < 200_000
    assert b"docs/query.jpg" in readme


def test_every_page_stands_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        if page.name != "README.md":
            assert f"({page.relative_to(ROOT / 'docs')})" in index, page


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_a_heading_in_the_api_page(package: str) -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    for public in import_module(package).__all__:
        assert f"\n### {package}.{public}\n" in page, public


@pytest.mark.parametrize("script", ["make_api.py", "make_architecture.py"])
def test_what_is_made_from_the_source_is_up_to_date(script: str) -> None:
    command = [sys.executable, str(ROOT / "docs" / script), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

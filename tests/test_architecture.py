"""The walls of the house: who may import whom."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "edge_runtime/scenehash": {"scenehash", "anyio", "cryptography", "cv2", "distributed",
                               "fastapi", "grpc", "llvmlite", "numba", "numpy", "obstore",
                               "onnxruntime", "psycopg", "pyarrow", "pydantic", "pymilvus",
                               "rasterio", "rich", "simplejpeg", "starlette", "typer", "uvicorn",
                               "watchfiles"},
    "train/scenehash_train": {"scenehash", "scenehash_train", "cv2", "numpy", "onnxruntime",
                              "pydantic", "rich", "typer", "matplotlib", "onnx", "pooch",
                              "pytorch_metric_learning", "requests", "torch"},
    "export/scenehash_export": {"scenehash", "scenehash_train", "scenehash_export", "cv2", "numpy",
                                "onnxruntime", "pydantic", "rich", "typer", "matplotlib", "onnx",
                                "onnxscript", "torch"},
}  # fmt: skip


def imported(path: Path) -> set[str]:
    """The top-level packages that a module imports by name, at its top or further in."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names)


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_imports_only_what_it_may(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    for module in modules:
        strangers = imported(module) - ALLOWED[package]
        assert not strangers, f"{module.relative_to(ROOT)} imports {strangers}"


def test_the_docstring_of_a_package_lists_all_its_modules() -> None:
    packages = [path.parent for path in (ROOT / "edge_runtime/scenehash").rglob("*/__init__.py")]
    for package in packages:
        text = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
        modules = {path.name for path in package.glob("[!_]*.py")}
        lists = set(re.findall(r"\w+\.py", text))
        if package.name != "cli":  # its modules are its commands
            assert modules <= lists, f"{package.name}: {sorted(modules - lists)}"


def test_the_command_line_starts_without_what_is_heavy() -> None:
    script = (
        "import sys; from scenehash.cli.main import build_app; build_app();"
        "print([name for name in ('torch', 'onnx', 'onnxruntime', 'cv2', 'numpy', 'numba')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_the_public_surface_is_what_the_design_says() -> None:
    import scenehash

    for name in ("HashModel", "CodeIndex", "CodeStore", "Filter", "Hit", "ScenehashError"):
        assert getattr(scenehash, name).__name__ == name
        assert name in scenehash.__all__
    with pytest.raises(AttributeError):
        _ = scenehash.anything_else

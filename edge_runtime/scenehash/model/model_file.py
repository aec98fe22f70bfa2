"""From a path or a name to a model file."""

from pathlib import Path

from scenehash.errors import ModelError

SHIPPED_MODEL = "scenehash-256.onnx"
# The names of model files inside the package.
SHIPPED_BY_NAME = {"open": "scenehash-256-open.onnx"}


def shipped_model(name: str = SHIPPED_MODEL) -> Path:
    """Path of a model file inside the package; by default the default model."""
    # importlib.resources takes a fiftieth of the time from a process's start to its first code.
    return Path(__file__).with_name(name)


def check_is_there(path: Path) -> None:
    """Raise ModelError, with a similar name as a hint, if there is no such file."""
    if not path.exists():
        from difflib import get_close_matches  # a process that finds its model needs no hints

        near = get_close_matches(str(path), SHIPPED_BY_NAME, 1)
        hint = f"; did you mean {near[0]}, a model that ships with scenehash?" if near else ""
        raise ModelError(f"no such model file{hint}")


def model_path(path: str | Path | None) -> Path:
    """The file of a path, or of a name, of a model.

    None: the shipped model. "open": the shipped model that was trained on archives with clear
    terms, unless a file has that name.
    """
    if path is None:
        return shipped_model()
    if str(path) in SHIPPED_BY_NAME and not Path(path).exists():
        return shipped_model(SHIPPED_BY_NAME[str(path)])
    return Path(path)

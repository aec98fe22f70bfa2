"""Which model file is meant, by a path or a name."""

from difflib import get_close_matches
from pathlib import Path

from scenehash.errors import ModelError

SHIPPED_MODEL = "scenehash-256.onnx"
# The names that stand for files inside the package.
SHIPPED_BY_NAME = {"open": "scenehash-256-open.onnx"}


def shipped_model(name: str = SHIPPED_MODEL) -> Path:
    """Path of a model file inside the package; by default the one that is used if none is given."""
    # importlib.resources takes a fiftieth of the time from a process's start to its first code.
    return Path(__file__).with_name(name)


def check_is_there(path: Path) -> None:
    """Raise ModelError, with the name that may have been meant, where there is no such file."""
    if not path.exists():
        near = get_close_matches(str(path), SHIPPED_BY_NAME, 1)
        hint = f"; did you mean {near[0]}, a model that ships with scenehash?" if near else ""
        raise ModelError(f"no such model file{hint}")


def model_path(path: str | Path | None) -> Path:
    """The file that a path, or a name, of a model means.

    None: the shipped one. "open": the one beside it that was trained on archives with clear terms,
    where there is no file of that name.
    """
    if path is None:
        return shipped_model()
    if str(path) in SHIPPED_BY_NAME and not Path(path).exists():
        return shipped_model(SHIPPED_BY_NAME[str(path)])
    return Path(path)

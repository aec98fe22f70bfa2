"""Train hash heads on labelled archives, and evaluate them. Needs the extra "train".

train            labelled archives -> a run folder
evaluate         retrieval quality of a run or a model file on an archive's test part
fetch_archive    download a published archive

```python
from pathlib import Path

from scenehash_train import evaluate, make_config, train

data = Path("scenehash-demo/scenes")  # a folder for each class
settings = {"steps": 50}  # few steps and small tiles: only an example
config = make_config({"bits": 32, "tile_size": 128, "settings": settings})
run = train([data], Path("example-run"), config).run
print(evaluate(run.path, data).quality)
```
"""

from importlib import import_module
from typing import TYPE_CHECKING

from scenehash.errors import extra_needed

if TYPE_CHECKING:
    from .config import Config, make_config
    from .evaluation import Evaluation, evaluate
    from .fetch import Fetched, fetch_archive
    from .runs import Run
    from .training import Trained, train

__all__ = [
    "Config",
    "Evaluation",
    "Fetched",
    "Run",
    "Trained",
    "evaluate",
    "fetch_archive",
    "make_config",
    "train",
]

_MODULE_OF = {
    "Config": "config",
    "Evaluation": "evaluation",
    "Fetched": "fetch",
    "Run": "runs",
    "Trained": "training",
    "evaluate": "evaluation",
    "fetch_archive": "fetch",
    "make_config": "config",
    "train": "training",
}


def __getattr__(name: str) -> object:
    # Loaded on first use: `import scenehash_train` must work without torch.
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with extra_needed("train"):
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)

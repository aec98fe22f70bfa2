"""From a trained run to a model file. Needs the extra "export".

options.py            options of an export, and their defaults
build.py              export(): run -> graph -> quantization -> fidelity -> file
stages.py             results of the stages, kept in the run folder
graph.py              the graph of a model file: tiles in, codes and logits out
nodes.py              nodes and constants of an ONNX graph
space_to_depth.py     the first convolution on groups of pixels
calibrate.py          the best of several ways to quantize
observe.py, ranges.py, quantize.py, gptq.py, activation_cache.py, layer_snr.py    its parts
saturation.py         weights with the same sums on every processor
exact_additions.py, exact_means.py    exact additions and averages
fidelity.py           comparison of the file with its network
fidelity_report.py    the comparison as a page

```python
from pathlib import Path

from scenehash_export import ExportOptions, export

exported = export(Path("example-run"), Path("mine.onnx"), ExportOptions(precision="fp32"))
print(exported.card.fidelity.bit_flip_rate)
```
"""

from importlib import import_module
from typing import TYPE_CHECKING

from scenehash.errors import extra_needed

if TYPE_CHECKING:
    from .build import Exported, export
    from .options import ExportOptions, Limits

__all__ = ["ExportOptions", "Exported", "Limits", "export"]

_MODULE_OF = {
    "ExportOptions": "options",
    "Exported": "build",
    "Limits": "options",
    "export": "build",
}


def __getattr__(name: str) -> object:
    # Loaded on first use: `import scenehash_export` must work without torch and onnx.
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with extra_needed("export"):
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)

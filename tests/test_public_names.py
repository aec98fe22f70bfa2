"""The public names of the packages, with and without what the workstation has."""

import subprocess
import sys
from importlib import import_module

import pytest

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import {imported}
print(sorted({{"numpy", "onnxruntime", "onnx", "cv2"}} & set(sys.modules)))
try:
    {asked}
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("package", ["scenehash", "scenehash_train", "scenehash_export"])
def test_every_public_name_is_there(package: str) -> None:
    module = import_module(package)
    for name in module.__all__:
        assert getattr(module, name).__name__ == name
    with pytest.raises(AttributeError, match="anything_else"):
        _ = module.anything_else


@pytest.mark.parametrize(
    ("imported", "asked", "extra"),
    [
        ("scenehash_train", "scenehash_train.train", "train"),
        ("scenehash_train.cli", "scenehash_train.train", "train"),
        ("scenehash_export.cli", "scenehash_export.export", "export"),
    ],
)
def test_a_package_is_imported_without_torch_and_says_what_to_install(
    imported: str, asked: str, extra: str
) -> None:
    script = WITHOUT_TORCH.format(imported=imported, asked=asked)
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    loaded, error = shown.stdout.splitlines()
    assert loaded == "[]"
    assert error == (
        "MissingExtraError this needs torch, which is not installed: "
        f"install scenehash with its extra {extra} (in the folder of its source: "
        f"pip install '.[{extra}]')"
    )

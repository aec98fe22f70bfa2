"""The public names of the package, with and without torch."""

import subprocess
import sys

import pytest

import scenehash_train

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import scenehash_train
print(sorted({"numpy", "onnxruntime", "cv2"} & set(sys.modules)))
try:
    scenehash_train.train
except Exception as error:
    print(type(error).__name__, error)
"""


def test_every_public_name_is_there() -> None:
    for name in scenehash_train.__all__:
        assert getattr(scenehash_train, name).__name__ == name
    with pytest.raises(AttributeError, match="anything_else"):
        _ = scenehash_train.anything_else


def test_the_package_is_imported_without_torch_and_says_what_to_install() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True
    )
    loaded, error = shown.stdout.splitlines()
    assert loaded == "[]"
    assert error == (
        "MissingExtraError this needs torch, which is not installed: pip install 'scenehash[train]'"
    )

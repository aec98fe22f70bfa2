"""The public names of the package, and the defaults of its command."""

import inspect
import subprocess
import sys

import pytest

import scenehash_export
from scenehash_export.cli import export_command
from scenehash_export.options import ExportOptions, Limits

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import scenehash_export.cli
print(sorted({"numpy", "onnxruntime", "onnx"} & set(sys.modules)))
try:
    scenehash_export.export
except Exception as error:
    print(type(error).__name__, error)
"""


def test_every_public_name_is_there() -> None:
    for name in scenehash_export.__all__:
        assert getattr(scenehash_export, name).__name__ == name
    with pytest.raises(AttributeError, match="anything_else"):
        _ = scenehash_export.anything_else


def test_the_command_is_shown_without_torch_and_says_what_to_install() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True
    )
    loaded, error = shown.stdout.splitlines()
    assert loaded == "[]"
    assert error == (
        "MissingExtraError this needs torch, which is not installed: "
        "pip install 'scenehash[export]'"
    )


def test_the_defaults_of_the_command_are_those_of_the_library() -> None:
    given = {
        name: parameter.default
        for name, parameter in inspect.signature(export_command).parameters.items()
    }
    limits = Limits(given["max_bit_flips"], given["max_map_drop"])
    names = ("precision", "calibration_images", "group_pixels", "licence")
    assert ExportOptions(**{name: given[name] for name in names}, limits=limits) == ExportOptions()

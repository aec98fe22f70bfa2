"""Nothing is collected about a station or its use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..absent import package

LOAD_A_MODEL = "from scenehash import HashModel; HashModel.load()"


@pytest.mark.slow
@pytest.mark.parametrize("code", [LOAD_A_MODEL, "import scenehash_train.onnx_export"])
def test_onnxruntime_collects_nothing(code: str, tmp_path: Path) -> None:
    if "train" in code:
        package("torch")
    told = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    folders = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", code], env=told | folders, check=True)
    assert [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name.lower()] == []

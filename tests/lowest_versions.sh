#!/usr/bin/env bash
# The device's tests with the lowest versions that pyproject.toml allows, and without torch.
#
#     tests/lowest_versions.sh [PYTEST ARGUMENTS...]
#
# Each requirement of the device and of its extras is installed at its lower bound, by uv; what those
# need themselves is as new as it may be.
set -euo pipefail
PYTHON=${PYTHON:-python3}
source=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

"$PYTHON" - "$source/pyproject.toml" >"$place/lowest.txt" <<'PYTHON'
import sys, tomllib
from pathlib import Path

project = tomllib.loads(Path(sys.argv[1]).read_text())["project"]
extras = project["optional-dependencies"]
required = [*project["dependencies"]]
for extra in ("geo", "watch", "parquet", "milvus", "postgres", "serve", "fast", "trust", "cluster", "train", "dev"):
    required += extras[extra]
# torch and what needs it belong to the workstation; scenehash[...] names extras.
others = ("torch", "onnxscript", "pytorch", "efficientnet", "scenehash")
print(*(line for line in required if not line.startswith(others)), sep="\n")
PYTHON
"$PYTHON" -m venv "$place/environment"
python=$place/environment/bin/python
"$python" -m pip install --quiet --disable-pip-version-check uv
uv=("$place/environment/bin/uv" pip install --quiet --python "$python")
"${uv[@]}" --resolution lowest-direct -r "$place/lowest.txt"
"${uv[@]}" --no-deps -e "$source"
cd "$source"
"$place/environment/bin/uv" pip freeze --quiet --python "$python" | paste -sd' '
"$python" -m pytest -p no:cacheprovider tests/scenehash tests/test_architecture.py "$@"

#!/usr/bin/env bash
# The wheel as a ground station gets it: no extras, no torch, outside the source tree.
set -euo pipefail
PYTHON=${PYTHON:-python3}
source=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

"$PYTHON" -m venv built && "$PYTHON" -m venv device
built/bin/pip wheel --quiet --disable-pip-version-check --no-deps -w wheels "$source"
device/bin/pip install --quiet --disable-pip-version-check -c "$source/constraints.txt" wheels/*.whl

for absent in torch onnx onnxscript matplotlib; do
    if device/bin/python -c "import $absent" 2>/dev/null; then
        echo "isolated: $absent is installed, and must not be needed"
        exit 1
    fi
done
device/bin/scenehash demo
device/bin/scenehash demo --json >demo.json
device/bin/python - demo.json <<'PYTHON'
import json, pathlib, sys
demo = json.load(open(sys.argv[1]))
assert pathlib.Path(demo["sheet"]).stat().st_size > 50_000, demo["sheet"]
assert all(search["hits"] for search in demo["searches"])
PYTHON
for command in "train nowhere" "export nowhere"; do
    status=0
    said=$(device/bin/scenehash $command 2>&1) || status=$?
    grep -q "with its extra" <<<"$said" && [ "$status" = 1 ] || {
        echo "isolated: scenehash $command said, with status $status: $said"
        exit 1
    }
done
echo "isolated: installed $(du -sm device | cut -f1) MB; wheel $(du -sk wheels | cut -f1) kB; the demo ran without torch"

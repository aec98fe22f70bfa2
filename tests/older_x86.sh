#!/usr/bin/env bash
# The runtime on an emulated x86 processor without VNNI, beside this machine: codes of real tiles. No
# bit may differ: weights keep to the pair rule (export/scenehash_export/saturation.py).
#
#     tests/older_x86.sh [CPU...]     default: Haswell (AVX2, no VNNI; 2013)
#
# Needs Debian's qemu-user-static and the environment of `make .venv/ready`. SCENEHASH_TILES: how many
# real tiles (12); SCENEHASH_MODEL: another model file.
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
PYTHON=${PYTHON:-$source/.venv/bin/python}
data=${SCENEHASH_DATA:-$source/../shared/data}
[ $# -gt 0 ] || set -- Haswell
if ! command -v qemu-x86_64-static >/dev/null; then
    echo "older_x86: no qemu-x86_64-static; apt-get install qemu-user-static"
    exit 1
fi
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
packages=$("$PYTHON" -c 'import numpy, pathlib; print(pathlib.Path(numpy.__file__).parents[1])')
export PYTHONPATH=$source/edge_runtime:$packages PYTHONSAFEPATH=1
program=$source/tests/emulation

"$PYTHON" "$program/images.py" "$data/ucmerced" "$place/images" "${SCENEHASH_TILES:-12}"
"$PYTHON" "$program/codes.py" "$place/images" "$place/here.npz"
for cpu in "$@"; do
    emulated() {
        qemu-x86_64-static -cpu "$cpu" "$(readlink -f "$PYTHON")" "$program/codes.py" "$@" \
            2>"$place/said" || { cat "$place/said"; exit 1; }
    }
    emulated "$place/images" "$place/$cpu.npz"
    echo "older_x86: $cpu:"
    "$PYTHON" "$program/compare.py" "$place/here.npz" "$place/$cpu.npz" 0
done
echo "older_x86: no bit differs, in $SECONDS s"

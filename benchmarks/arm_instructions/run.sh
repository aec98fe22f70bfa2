#!/usr/bin/env bash
# How many instructions does a tile take on 64-bit ARM, and where do they go? Counted under
# emulation, repeatable to a thousandth. Instructions are not time: they order alternatives where no
# board is at hand.
#
#     benchmarks/arm_instructions/run.sh [--json OUT] [MODEL.onnx] [CPU...]
#
# Default: the model that ships, on cortex-a72 (Raspberry Pi 4) and cortex-a76 (Raspberry Pi 5, with
# dot products). As root; needs apt-get install qemu-user mmdebstrap gcc.
set -euo pipefail
program=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$program/../.." && pwd)
PYTHON=${PYTHON:-$source/.venv/bin/python}
json=(); [ "${1:-}" != --json ] || { json=(--json "$2"); shift 2; }
model=$source/edge_runtime/scenehash/model/scenehash-256.onnx
case "${1:-}" in *.onnx) model=$1; shift ;; esac
[ $# -gt 0 ] || set -- cortex-a72 cortex-a76
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
. "$source/tests/emulation/arm_machine.sh"
need qemu-aarch64 mmdebstrap gcc
make_machine
gcc -O2 -Wall -Wextra -shared -fPIC -o "$place/count.so" "$program/count.c"

counted() { # CPU, file for what is printed, arguments of guest.py
    local cpu=$1 printed=$2; shift 2
    emulate "$cpu" qemu-aarch64 -plugin "$place/count.so" -- "$program/guest.py" "$@" 2>"$printed" || {
        cat "$printed"
        exit 1
    }
}
work=()
for cpu in "$@"; do
    pretend "$cpu"
    folder=$place/$cpu
    mkdir "$folder"
    counted "$cpu" "$folder/whole.txt" whole "$model" "$folder/optimized.onnx"
    "$PYTHON" "$program/operators.py" split "$folder/optimized.onnx" "$folder/operators"
    counted "$cpu" "$folder/operators.txt" operators "$folder/operators"
    work+=("$cpu=$folder")
done
echo "$(basename "$model"), one thread:"
"$PYTHON" "$program/operators.py" table "${json[@]}" "${work[@]}"

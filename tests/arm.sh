#!/usr/bin/env bash
# The installed runtime on emulated 64-bit ARM, beside the same package on this machine: codes of
# real tiles, ingest, search, and a store that goes from one to the other. Emulation shows that it
# is right, never how fast it is.
#
#     tests/arm.sh [CPU...]        default: cortex-a72 (Raspberry Pi 4) cortex-a76 (Raspberry Pi 5)
#
# Needs Debian's qemu-user-static and mmdebstrap, the latter as root; no chroot, no binfmt. The root
# file system and the ARM packages stay in $SCENEHASH_ARM_CACHE. SCENEHASH_TILES: how many real tiles
# (63); SCENEHASH_MODEL: another model file; SCENEHASH_DRIFT: the bits in all that may differ.
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
PYTHON=${PYTHON:-$source/.venv/bin/python}
data=${SCENEHASH_DATA:-$source/../shared/data}
[ $# -gt 0 ] || set -- cortex-a72 cortex-a76
place=$(mktemp -d)
trap '[ $? = 0 ] || cat "$place/said"; rm -rf "$place"' EXIT
touch "$place/said"
started=$SECONDS
. "$source/tests/emulation/arm_machine.sh"
need qemu-aarch64-static mmdebstrap
make_machine

main='from scenehash.cli.main import main; main()'
arm() { # CPU, then python's arguments
    local cpu=$1; shift
    emulate "$cpu" qemu-aarch64-static -- "$@"
}
here() { (cd "$place" && PYTHONPATH=$place/package "$PYTHON" "$@"); }

here "$source/tests/emulation/images.py" "$data/ucmerced" "$place/images" "${SCENEHASH_TILES:-63}"
here "$source/tests/emulation/codes.py" "$place/images" "$place/x86.npz"
# Some of them go through the command line, too, into stores.
mkdir "$place/some"
find "$place/images" -type f | sort | head -16 | xargs cp -t "$place/some"
query=$(find "$place/some" -type f | sort | head -1)
here -c "$main" ingest "$place/some" --store "$place/x86.store" 2>"$place/said"
here -c "$main" search "$query" --store "$place/x86.store" -k 10 --json >"$place/x86.json"

for cpu in "$@"; do
    pretend "$cpu"
    begun=$SECONDS
    arm "$cpu" "$source/tests/emulation/codes.py" "$place/images" "$place/$cpu.npz"
    here "$source/tests/emulation/compare.py" "$place/x86.npz" "$place/$cpu.npz" "${SCENEHASH_DRIFT:-0}"
    arm "$cpu" -c "$main" ingest "$place/some" --store "$place/$cpu.store" 2>"$place/said"
    # Each machine verifies and searches the store that the other wrote, and its own.
    arm "$cpu" -c "$main" store verify "$place/x86.store"
    here -c "$main" store verify "$place/$cpu.store"
    arm "$cpu" -c "$main" search "$query" --store "$place/x86.store" -k 10 --json >"$place/arm-x86.json"
    arm "$cpu" -c "$main" search "$query" --store "$place/$cpu.store" -k 10 --json >"$place/arm-arm.json"
    here -c "$main" search "$query" --store "$place/$cpu.store" -k 10 --json >"$place/x86-arm.json"
    here - "$place/x86.json" "$place"/{arm-x86,arm-arm,x86-arm}.json <<'PYTHON'
import json, sys
hits = [json.load(open(path))["hits"] for path in sys.argv[1:]]
assert hits[0] and all(other == hits[0] for other in hits), "the hits differ"
print(f"search: the same {len(hits[0])} hits on either machine in either store")
PYTHON
    # A store that one has begun, the other goes on with.
    arm "$cpu" -c "$main" ingest "$place/some" --store "$place/x86.store" 2>"$place/said"
    here -c "$main" ingest "$place/some" --store "$place/$cpu.store" 2>"$place/said"
    echo "arm: $cpu: all agree, in $((SECONDS - begun)) s"
done
echo "arm: done in $((SECONDS - started)) s; ARM packages $(du -sm "$packages" | cut -f1) MB"

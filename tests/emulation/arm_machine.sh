# An arm64 machine under emulation: a root file system with Python and the packages of the runtime,
# and processors that onnxruntime recognises. Sourced by tests/arm.sh and benchmarks; no chroot, no
# binfmt.
#
# Expects: source (the checkout), place (a temporary folder), PYTHON. Needs mmdebstrap, as root. What
# is made stays in $SCENEHASH_ARM_CACHE.
cache=${SCENEHASH_ARM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/scenehash-arm}
root=$cache/root
packages=$cache/packages-$(cat "$source"/{constraints.txt,pyproject.toml} | sha256sum | cut -c1-12)

# need TOOL...: ends the script where one of them is not installed
need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null && continue
        echo "${0##*/}: no $tool; apt-get install qemu-user qemu-user-static mmdebstrap gcc"
        exit 1
    done
}

# make_machine: the root file system, the packages, and the wheel of the checkout in $place/package
make_machine() {
    mkdir -p "$cache"
    if [ ! -x "$root/usr/bin/python3.11" ]; then
        rm -rf "$root"
        mmdebstrap --quiet --variant=extract --mode=root --architectures=arm64 \
            --include=python3.11,libgomp1,libstdc++6 bookworm "$root"
    fi
    local pip=("$PYTHON" -m pip --quiet --disable-pip-version-check)
    "${pip[@]}" wheel --no-deps -w "$place" "$source"
    if [ ! -d "$packages" ]; then
        "${pip[@]}" install --only-binary=:all: --python-version 3.11 --implementation cp \
            --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
            --platform manylinux2014_aarch64 --platform manylinux_2_17_aarch64 \
            -c "$source/constraints.txt" --target "$packages.partial" "$place"/scenehash-*.whl
        rm -rf "$packages.partial"/scenehash{,_train,_export}
        mv "$packages.partial" "$packages"
    fi
    "${pip[@]}" install --no-deps --target "$place/package" "$place"/scenehash-*.whl
}

# pretend CPU: onnxruntime reads these files, and falls over the host's: it would take the host's
# features for its own.
pretend() {
    local dot=; [ "$1" = cortex-a72 ] || dot=" asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
    local part=0xd08; [ "$1" = cortex-a72 ] || part=0xd0b
    mkdir -p "$root/proc" "$root/sys/devices/system/cpu"
    for core in 0 1; do
        printf 'processor\t: %s\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32%s\n' $core "$dot"
        printf 'CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: %s\n\n' $part
    done >"$root/proc/cpuinfo"
    echo 0-1 | tee "$root/sys/devices/system/cpu/possible" >"$root/sys/devices/system/cpu/present"
}

# emulate CPU EMULATOR... -- python's arguments
emulate() {
    local cpu=$1; shift
    local emulator=(); while [ "$1" != -- ]; do emulator+=("$1"); shift; done; shift
    PYTHONHOME=/usr PYTHONPATH=$place/package:$packages PYTHONDONTWRITEBYTECODE=1 \
        "${emulator[@]}" -cpu "$cpu" -L "$root" "$root/usr/bin/python3.11" "$@"
}

"""The installed optional parts of scenehash."""

import re
from importlib import metadata

# The use of each extra of the device.
USES = {
    "geo": "GeoTIFF and other rasters",
    "watch": "notifications of new files",
    "milvus": "tiles in Milvus",
    "postgres": "tiles in PostgreSQL",
    "parquet": "export to GeoParquet",
    "fast": "faster search of large archives",
    "trust": "signatures of models and bundles",
    "serve": "the HTTP API and the page",
}
# Extras for other machines, which a station does not need.
WORKSTATION = frozenset({"train", "export", "timm", "bench", "cluster", "dev"})


def missing_extras() -> dict[str, str]:
    """The device's extras with a missing package, and their uses, by name."""
    try:
        requirements = metadata.requires("scenehash") or []
    except metadata.PackageNotFoundError:  # a checkout without an installation
        return {}
    missing = set()
    for requirement in requirements:
        found = re.fullmatch(r"([\w.-]+)[^;]*; extra == ['\"]([\w-]+)['\"]", requirement)
        if found and found[2] not in WORKSTATION and not is_installed(found[1]):
            missing.add(found[2])
    return {name: USES.get(name, "") for name in sorted(missing)}


def is_installed(distribution: str) -> bool:
    """Whether a package with this name is installed."""
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True

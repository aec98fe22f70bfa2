"""What is installed of the optional parts of scenehash."""

import re
from importlib import metadata

# What each extra of the device is for.
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
# Those of other machines: a station is fit without them.
WORKSTATION = frozenset({"train", "export", "timm", "bench", "cluster", "dev"})


def missing_extras() -> dict[str, str]:
    """The device's extras of which a package is missing, and what each is for, by name."""
    try:
        requirements = metadata.requires("scenehash") or []
    except metadata.PackageNotFoundError:  # run from a checkout that was not installed
        return {}
    missing = set()
    for requirement in requirements:
        found = re.fullmatch(r"([\w.-]+)[^;]*; extra == ['\"]([\w-]+)['\"]", requirement)
        if found and found[2] not in WORKSTATION and not is_installed(found[1]):
            missing.add(found[2])
    return {name: USES.get(name, "") for name in sorted(missing)}


def is_installed(distribution: str) -> bool:
    """Whether a package of this name is there."""
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True

"""The paths of a machine's trusted state and of its own key."""

import os
from pathlib import Path

VARIABLE = "SCENEHASH_TRUST"
NAME = "trust.json"
KEY_VARIABLE = "SCENEHASH_SIGNING_KEY"
KEY_NAME = "signing-key.pem"


def state_path() -> Path:
    """The file: SCENEHASH_TRUST, or trust.json in scenehash's folder of the user's settings."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    settings = os.environ.get("XDG_CONFIG_HOME")
    folder = Path(settings) if settings else Path.home() / ".config"
    return folder / "scenehash" / NAME


def is_there(path: Path) -> bool:
    """Whether there is anything at a path, also a link to nothing, or a file that this user cannot
    reach: a state that cannot be read never counts as none.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def signing_key_path() -> Path:
    """This machine's own key: SCENEHASH_SIGNING_KEY, or signing-key.pem beside trust.json."""
    named = os.environ.get(KEY_VARIABLE)
    return Path(named) if named else state_path().with_name(KEY_NAME)

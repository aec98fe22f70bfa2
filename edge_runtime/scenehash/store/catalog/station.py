"""The name of the store's station, which other stations use for its tiles."""

from scenehash.errors import ConfigurationError
from scenehash.printable import printable

MOST_CHARACTERS = 64
# Separators between a name and a path, or characters that some file systems refuse.
SEPARATORS = frozenset('/\\:"*?<>|')


def is_station_name(name: object) -> bool:
    """Whether a value can be the name of a station: a word without separators."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= MOST_CHARACTERS
        and name == printable(name)
        and not any(letter.isspace() or letter in SEPARATORS for letter in name)
        and not name.startswith((".", "-"))
    )


def origin_of(path: str, own: str | None) -> str | None:
    """The station of a stored scene: the name before its path, or else the store's station."""
    name, _, rest = path.partition(":")
    return name if rest and rest[:2] != "//" and is_station_name(name) else own


def check_station_name(name: str) -> str:
    """The name itself; ConfigurationError if it is not valid."""
    if not is_station_name(name):
        raise ConfigurationError(
            f"{printable(name[:MOST_CHARACTERS])}: a station's name is a word of at most "
            f"{MOST_CHARACTERS} characters, without spaces, colons and slashes, such as north-1"
        )
    return name

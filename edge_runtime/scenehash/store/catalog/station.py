"""The name of the station whose store it is: what others call its tiles by."""

from scenehash.errors import ConfigurationError
from scenehash.files import printable

MOST_CHARACTERS = 64
# They stand between a name and a path, and in no file's name on every file system.
SEPARATORS = frozenset('/\\:"*?<>|')


def is_station_name(name: object) -> bool:
    """Whether a value can be the name of a station: a word, with no separator in it."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= MOST_CHARACTERS
        and name == printable(name)
        and not any(letter.isspace() or letter in SEPARATORS for letter in name)
        and not name.startswith((".", "-"))
    )


def origin_of(path: str, own: str | None) -> str | None:
    """The station that a stored scene is from: named before its path, or else that of the store."""
    name, _, rest = path.partition(":")
    return name if rest and rest[:2] != "//" and is_station_name(name) else own


def check_station_name(name: str) -> str:
    """The name itself; ConfigurationError when it can be none."""
    if not is_station_name(name):
        raise ConfigurationError(
            f"{printable(name[:MOST_CHARACTERS])}: a station's name is a word of at most "
            f"{MOST_CHARACTERS} characters, without spaces, colons and slashes, such as north-1"
        )
    return name

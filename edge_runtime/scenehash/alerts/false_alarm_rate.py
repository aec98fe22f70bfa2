"""False alarm rates as text: a number per time, or per number of tiles."""

import re
from dataclasses import dataclass

from scenehash.errors import ConfigurationError
from scenehash.store import CodeStore

_DAYS = {"hour": 1 / 24, "day": 1, "week": 7, "month": 30, "year": 365}
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*/\s*([a-z]+|[1-9]\d{0,11})")
# An alert with more false alarms is useless.
MOST = 0.1


@dataclass(frozen=True)
class Rate:
    """A number of false alarms per days or per tiles; text: the rate as it was given."""

    text: str
    alarms: float
    days: float | None = None
    tiles: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """The rate of a text such as "1/day", "2/week" or "3/1000" tiles; ConfigurationError."""
        found = _RATE.fullmatch(text.strip())
        wanted = "give a rate per time, such as 1/day or 2/week, or per tiles, such as 2/1000"
        if found is None or not float(found[1]):
            raise ConfigurationError(f"false alarms {text}: {wanted}")
        if found[2].isdigit():
            return cls(text.strip(), float(found[1]), tiles=int(found[2]))
        if found[2] not in _DAYS:
            raise ConfigurationError(
                f"false alarms {text}: not a known unit of time; {wanted} ({', '.join(_DAYS)})"
            )
        return cls(text.strip(), float(found[1]), days=_DAYS[found[2]])

    def share(self, store: CodeStore) -> float:
        """The rate as a share of tiles, from the number of tiles per day by the scenes' times.

        Raises ConfigurationError when the times are missing, or when more tiles than MOST would
        match.
        """
        tiles: float | None = self.tiles
        coming = ""
        if self.days is not None:
            pace = store.tiles_a_day()
            if pace is None:
                raise ConfigurationError(
                    f"false alarms {self.text}: the number of tiles per day is not known, because "
                    "the times of the stored scenes are missing, or span less than a day; give a "
                    "rate per tiles, such as 2/1000"
                )
            tiles = self.days * pace
            coming = f": {tiles:.2g} arrive in that time, by the times of the stored scenes"
        assert tiles is not None
        if self.alarms > MOST * tiles:
            raise ConfigurationError(
                f"false alarms {self.text}: more than {MOST:.0%} of all tiles{coming}; give a "
                "lower rate, or a rate per tiles, such as 2/1000"
            )
        return self.alarms / tiles

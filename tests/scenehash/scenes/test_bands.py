import pytest

from scenehash.errors import ConfigurationError, InputError
from scenehash.scenes.bands import Bands, choose

GREY = ["gray", "undefined", "undefined", "undefined", "undefined", "undefined"]
SENTINEL = Bands(["B02", "B03", "B04", "B08", "B11", "B12"], GREY)
LANDSAT = Bands(["B2 blue", "B3 green", "B4 red", "B5 nir", "B6 swir1", "B7 swir2"], GREY)
NAMELESS = Bands([None] * 6, GREY)


@pytest.mark.parametrize(
    ("bands", "wanted", "expected"),
    [
        (Bands([None] * 4, ["blue", "green", "red", "alpha"]), None, (3, 2, 1)),
        (LANDSAT, None, (3, 2, 1)),
        (SENTINEL, None, (3, 2, 1)),
        (Bands([None] * 3, GREY[:3]), None, (1, 2, 3)),
        (Bands([None] * 4, GREY[:4]), None, (1, 2, 3)),
        (Bands([None], ["gray"]), None, (1,)),
        (Bands([None, None], ["gray", "alpha"]), None, (1,)),
        (SENTINEL, "B12,B11,B08", (6, 5, 4)),
        (SENTINEL, "4, 3, 2", (4, 3, 2)),
        (LANDSAT, "nir,red,green", (4, 3, 2)),
        (LANDSAT, "b5,B4,B3", (4, 3, 2)),
        (SENTINEL, "sentinel2", (3, 2, 1)),
        (NAMELESS, "sentinel2", (4, 3, 2)),
        (LANDSAT, "landsat8", (3, 2, 1)),
        (NAMELESS, "landsat7", (3, 2, 1)),
        (NAMELESS, "5", (5,)),
    ],
)
def test_bands_are_chosen(bands: Bands, wanted: str | None, expected: tuple[int, ...]) -> None:
    assert choose(bands, wanted) == expected


def test_what_cannot_be_chosen_names_the_bands_and_the_option() -> None:
    with pytest.raises(InputError, match=r"\(1 B05, 2 B06, 3 B07\); choose three with --bands"):
        choose(Bands(["B05", "B06", "B07"], GREY[:3]), None)
    with pytest.raises(InputError, match="no red, green and blue"):
        choose(NAMELESS, None)
    for wanted in ("7,1,2", "0,1,2", "purple,red,green"):
        with pytest.raises(InputError, match=r"not among its bands \(1 B2 blue"):
            choose(LANDSAT, wanted)
    for wanted in ("1,2", "1,,2", ""):
        with pytest.raises(ConfigurationError, match="give three bands"):
            choose(LANDSAT, wanted)

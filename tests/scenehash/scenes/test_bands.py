"""Which bands are red, green and blue: by names, by missions, by colours; or a refusal."""

import pytest

from scenehash.decode_params import DecodeParams
from scenehash.errors import ConfigurationError, InputError
from scenehash.scenes.bands import Bands, choose

GREY = ["gray", *["undefined"] * 15]
# What GDAL says of three or four bands of 8 bits, whatever they are.
BY_DEFAULT = ["red", "green", "blue", "alpha"]


def named(names: str, colours: list[str] | None = None) -> Bands:
    every = [name or None for name in names.split(",")]
    return Bands(every, (colours or GREY)[: len(every)])


def nameless(count: int, colours: list[str] | None = None) -> Bands:
    return Bands([None] * count, (colours or GREY)[:count])


SENTINEL = named("B02,B03,B04,B08,B11,B12")
LANDSAT = named("B2 blue,B3 green,B4 red,B5 nir,B6 swir1,B7 swir2")
SUPERDOVE = "coastal_blue,blue,green_i,green,yellow,red,rededge,nir"


@pytest.mark.parametrize(
    ("bands", "expected"),
    [
        (Bands([None] * 4, ["blue", "green", "red", "alpha"]), (3, 2, 1)),
        (LANDSAT, (3, 2, 1)),
        (SENTINEL, (3, 2, 1)),
        (nameless(1), (1,)),
        (Bands([None, None], ["gray", "alpha"]), (1,)),
        # Missions, as Earth Engine and others name their bands.
        (named("B2,B3,B4,B8"), (3, 2, 1)),
        (named("B2,B3,B4,B8", BY_DEFAULT), (3, 2, 1)),
        (named("B8,B4,B3,B2", BY_DEFAULT), (2, 3, 4)),
        (named("B1,B2,B3,B4,B5,B6,B7,B8,B8A,B9,B11,B12"), (4, 3, 2)),
        (named("B01,B02,B03,B04"), (4, 3, 2)),
        (named("SR_B1,SR_B2,SR_B3,SR_B4,SR_B5,SR_B6,SR_B7,ST_B10"), (4, 3, 2)),
        (named("SR_B1,SR_B2,SR_B3,SR_B4,SR_B5,ST_B6,SR_B7"), (3, 2, 1)),
        (named("B1,B2,B3,B4,B5,B6_VCID_1,B6_VCID_2,B7,B8"), (3, 2, 1)),
        (named("sur_refl_b01,sur_refl_b02,sur_refl_b03,sur_refl_b04"), (1, 4, 3)),
        (named(SUPERDOVE), (6, 4, 2)),
        (named("Coastal Blue,Blue,Green I,Green,Yellow,Red,RedEdge,NIR"), (6, 4, 2)),
        (named("CoastalBlue,Blue,GreenI,Green,Yellow,Red,RedEdge,NearInfrared"), (6, 4, 2)),
        (named("blue,green,red,nir", BY_DEFAULT), (3, 2, 1)),
        (named("R,G,B,N", BY_DEFAULT), (1, 2, 3)),
        # Red edge before red, in several spellings.
        (named("nir,red edge,red,green,blue"), (3, 4, 5)),
        (named("rededge,red_edge_2,red-edge,RedEdge3,red,green,blue"), (5, 6, 7)),
        (named("Band 5 (Red Edge),Band 4 (Red),Band 3 (Green),Band 2 (Blue)"), (2, 3, 4)),
        (named("red (665 nm),green (560 nm),blue (490 nm),nir (842 nm)"), (1, 2, 3)),
        # Names that tell nothing leave it to the file's colours.
        (named("Band 1,Band 2,Band 3", BY_DEFAULT), (1, 2, 3)),
        (named("b1,b2,b3", BY_DEFAULT), (1, 2, 3)),
        # GDAL's own names of the colours of more bands.
        (Bands([None] * 5, ["nir", "rededge", "red", "green", "blue"]), (3, 4, 5)),
    ],
)
def test_bands_are_found_by_themselves(bands: Bands, expected: tuple[int, ...]) -> None:
    assert choose(bands, None)[:2] == (expected, False)


@pytest.mark.parametrize("count", [3, 4])
def test_nameless_bands_are_a_guess_that_is_said_to_be_one(count: int) -> None:
    assert choose(nameless(count), None)[:2] == ((1, 2, 3), True)
    assert choose(named(",".join(f"Band_{n}" for n in range(1, count + 1))), None).is_guess


@pytest.mark.parametrize(
    "bands",
    [
        named("B05,B06,B07"),
        named("nir,red,green"),
        named("nir,red,green", BY_DEFAULT),
        named("B8,B4,B3", BY_DEFAULT),
        named("B11,B8,B2", BY_DEFAULT),
        # Landsat 5 and 8 call other bands so.
        named("B1,B2,B3,B4"),
        named("B1,B2,B3,B4", BY_DEFAULT),
        named("B1,B2,B3,B4,B5,B6,B7"),
        named("red edge,green,blue"),
        named("coastal blue,green,red"),
        named("red,red,green,blue"),
        named("VV,VH"),
        nameless(2),
        nameless(5),
        nameless(6),
        Bands([None] * 4, ["cyan", "magenta", "yellow", "black"]),
        Bands([None] * 3, ["nir", "red", "green"]),
    ],
)
def test_what_does_not_tell_is_refused_and_not_guessed(bands: Bands) -> None:
    with pytest.raises(InputError, match="red, green and blue"):
        choose(bands, None)


@pytest.mark.parametrize(
    ("bands", "wanted", "expected"),
    [
        (SENTINEL, "B12,B11,B08", (6, 5, 4)),
        (SENTINEL, "4, 3, 2", (4, 3, 2)),
        (LANDSAT, "nir,red,green", (4, 3, 2)),
        (LANDSAT, "b5,B4,B3", (4, 3, 2)),
        (named("nir,red edge,red,green,blue"), "red,green,blue", (3, 4, 5)),
        (named("nir,red edge,red,green,blue"), "nir,red edge,red", (1, 2, 3)),
        (named(SUPERDOVE), "nir,red,green", (8, 6, 4)),
        (named(SUPERDOVE), "nir,rededge,coastal_blue", (8, 7, 1)),
        (SENTINEL, "sentinel2", (3, 2, 1)),
        (named("B2,B3,B4,B8"), "sentinel2", (3, 2, 1)),
        (named("B1,B2,B3,B4,B5,B6,B7"), "landsat8", (4, 3, 2)),
        (named("B1,B2,B3,B4,B5,B7"), "landsat7", (3, 2, 1)),
        (LANDSAT, "landsat8", (3, 2, 1)),
        (named("blue,green,red,nir"), "sentinel2", (3, 2, 1)),
        (named(SUPERDOVE), "planetscope", (6, 4, 2)),
        # Stacks without names, by how many bands they have.
        (nameless(13), "sentinel2", (4, 3, 2)),
        (nameless(4), "sentinel2", (3, 2, 1)),
        (nameless(7), "Landsat8", (4, 3, 2)),
        (nameless(6), "landsat7", (3, 2, 1)),
        (nameless(8), "planetscope", (6, 4, 2)),
        (nameless(4), "naip", (1, 2, 3)),
        # A picture that is red, green and blue already.
        (nameless(3, BY_DEFAULT), "sentinel2", (1, 2, 3)),
        # An alpha band is none of a mission's, wherever it stands.
        (nameless(4, BY_DEFAULT), "sentinel2", (1, 2, 3)),
        (nameless(4, BY_DEFAULT), "naip", (1, 2, 3)),
        (nameless(5, ["gray", *["undefined"] * 3, "alpha"]), "sentinel2", (3, 2, 1)),
        (nameless(5, ["alpha", *["undefined"] * 4]), "sentinel2", (4, 3, 2)),
        (nameless(6), "5", (5,)),
    ],
)
def test_bands_are_chosen(bands: Bands, wanted: str, expected: tuple[int, ...]) -> None:
    assert choose(bands, wanted).numbers == expected


@pytest.mark.parametrize(
    ("bands", "wanted"),
    [
        (LANDSAT, "7,1,2"),
        (LANDSAT, "0,1,2"),
        (LANDSAT, "purple,red,green"),
        (named("red,red,green,blue"), "red,green,blue"),
        (nameless(3, BY_DEFAULT), "9,9,9"),
        (nameless(3, BY_DEFAULT), "nir,red,green"),
        (named("nir,red edge,green"), "nir,red,green"),
        (named("band one,band two,band three"), "sentinel2"),
        (named("B5,B6,B7"), "sentinel2"),
        (nameless(6), "sentinel2"),
        (nameless(5), "landsat8"),
        (nameless(4, [*GREY[:3], "alpha"]), "sentinel2"),
        (nameless(7, [*GREY[:6], "alpha"]), "planetscope"),
    ],
)
def test_what_a_file_does_not_have_is_refused_by_name(bands: Bands, wanted: str) -> None:
    with pytest.raises(InputError, match=rf"--bands {wanted}: .*\(1 "):
        choose(bands, wanted)


@pytest.mark.parametrize(
    ("bands", "offered"),
    [
        (nameless(6), "landsat8, landsat7"),
        (nameless(5), "planetscope"),
        (nameless(10), "sentinel2, landsat8"),
        (named("B1,B2,B3,B4"), "sentinel2, landsat8, landsat7"),
    ],
)
def test_only_presets_that_fit_the_file_are_offered(bands: Bands, offered: str) -> None:
    with pytest.raises(InputError, match=rf"or a preset \({offered}\)$"):
        choose(bands, None)
    for preset in offered.split(", "):
        assert len(choose(bands, preset).numbers) == 3


@pytest.mark.parametrize("bands", [named("VV,VH"), named("B05,B06,B07"), nameless(20, GREY + GREY)])
def test_no_preset_is_offered_where_none_fits(bands: Bands) -> None:
    with pytest.raises(InputError) as caught:
        choose(bands, None)
    assert "preset" not in str(caught.value)
    assert "--bands 1" in str(caught.value)


def test_a_choice_that_is_none_is_an_error_before_any_file() -> None:
    for wanted in ("1,2", "1,,2", ""):
        with pytest.raises(ConfigurationError, match="give three"):
            DecodeParams(wanted)


def test_a_message_stays_short_and_harmless() -> None:
    bands = Bands(["\x1b[2J" + "x" * 10_000] * 3000, ["undefined"] * 3000)
    with pytest.raises(InputError) as caught:
        choose(bands, None)
    assert len(str(caught.value)) < 1500
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "alpha"), [("", 4), ("transparency", 4), ("nir", None), ("B8", None)]
)
def test_a_band_with_a_name_of_its_own_is_no_alpha(names: str, alpha: int | None) -> None:
    assert Bands([None, None, None, names or None], BY_DEFAULT).alpha == alpha


def test_a_preset_by_position_is_said_so() -> None:
    assert choose(nameless(4), "sentinel2").by_position
    assert choose(nameless(4), "planetscope") == ((3, 2, 1), False, True)
    assert not choose(named("B1,B2,B3,B4"), "sentinel2").by_position
    assert not choose(nameless(4), "3,2,1").by_position

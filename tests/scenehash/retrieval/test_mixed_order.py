"""The second look of a store with representations, the default: codes and vectors together."""

from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, HashModel, Query, rehash, search
from scenehash.codes import unpack
from scenehash.errors import ConfigurationError, StoreDamagedError
from scenehash.retrieval.mixing import KNOWN_WEIGHT, UNKNOWN_WEIGHT, UNSURE_WEIGHT, Mixing
from scenehash.scenes import Window
from scenehash.store import HashedScene, SceneVectors, TileSample
from scenehash.store.rows import Ranges

from ..ingestion.archives import make_store, models, picture, write_scenes

SCENES = 60


@pytest.fixture(scope="module")
def by(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HashModel]:
    return models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def store(tmp_path: Path, by: dict[str, HashModel]) -> Path:
    write_scenes(tmp_path / "scenes", range(SCENES))
    return make_store(tmp_path / "s", tmp_path / "scenes", by["first"])


def plain_score(
    stored: np.ndarray, queries: np.ndarray, vector: np.ndarray, asked: np.ndarray, weight: float
) -> float:
    bits, others = unpack(stored[None])[0], unpack(queries)
    vectors = [vector.astype(np.float64), *asked.astype(np.float64)]
    first, *rest = [own / np.linalg.norm(own) for own in vectors]
    total = weight * max(float(first @ own) for own in rest)
    for width in (min(64, len(bits)), len(bits)):
        total += max(float(np.mean(2.0 * (bits[:width] == one[:width]) - 1)) for one in others)
    return total


@pytest.mark.parametrize("bits", [16, 64, 128, 256])
def test_the_score_is_that_of_leading_bits_of_all_bits_and_the_weighted_cosine(bits: int) -> None:
    rng = np.random.default_rng(bits)
    stored, queries = (rng.integers(0, 256, (count, bits // 8), np.uint8) for count in (9, 2))
    kept, asked = (rng.integers(-99, 99, (count, 24), np.int8) for count in (9, 2))
    middle = rng.uniform(-9, 9, 24).astype(np.float32)
    expected = [
        plain_score(one, queries, vector - middle, asked - middle, 3)
        for one, vector in zip(stored, kept, strict=True)
    ]
    scores = Mixing(3, middle, 100).scores(stored, queries, kept, asked)
    assert np.allclose(scores, expected, atol=1e-5)


def words(rng: np.random.Generator, count: int, tiles: int, flips: float) -> np.ndarray:
    """Codes of 64 bits of so many words, each bit flipped with a probability."""
    own = rng.random((count, 64)) < 0.5
    return np.packbits(own[rng.integers(count, size=tiles)] ^ (rng.random((tiles, 64)) < flips), 1)


def test_the_fewer_tiles_share_their_leading_bits_the_more_the_cosine_counts() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.integers(-127, 128, (1000, 24), np.int8)

    def mixing(flips: float, tiles: int = 1000, adapted: bool = False) -> Mixing:
        codes = words(rng, 20, tiles, flips)
        return Mixing.of(TileSample(codes, vectors[:tiles]), adapted)

    known, mostly, between, unknown = (mixing(flips) for flips in (0.005, 0.025, 0.042, 0.3))
    assert (known.weight, known.nearest) == (KNOWN_WEIGHT, 100)
    assert (unknown.weight, unknown.nearest) == (UNKNOWN_WEIGHT, 300)
    assert KNOWN_WEIGHT < mostly.weight < UNSURE_WEIGHT < between.weight < UNKNOWN_WEIGHT
    assert (mostly.nearest, between.nearest) == (100, 300)
    assert not known.middle.any()
    assert not mostly.middle.any()
    assert np.allclose(unknown.middle, vectors.mean(axis=0), atol=1e-4)
    # Too few to tell; and codes of an adapted model are made of vectors.
    assert mixing(0.3, tiles=299).weight == mixing(0.3, adapted=True).weight == UNSURE_WEIGHT


@pytest.mark.parametrize("flips", [0.005, 0.3])
def test_in_a_store_of_kinds_that_the_model_does_not_know_representations_decide(
    tmp_path: Path, flips: float
) -> None:
    rng = np.random.default_rng(1)
    codes, vectors = words(rng, 20, 384, flips), rng.integers(-60, 127, (384, 24), np.int8)
    scene = HashedScene(
        path="/scenes/1.tif",
        content="0123456789abcdef" * 2,
        codes=codes,
        windows=[Window(64 * number, 0, 64, 64) for number in range(len(codes))],
        vectors=SceneVectors("colours", vectors),
    )
    with CodeStore.create(tmp_path / "s", "0123456789abcdef", 64, "a-model") as store:
        store.keep_vectors("colours", 24)
        store.add([scene])
        found = search(store, "row:7", 20)
    # All are drawn: there are fewer than 500.
    mixing = Mixing.of(TileSample(codes, vectors), adapted=False)
    distances = np.unpackbits(codes ^ codes[7], axis=1).sum(axis=1)
    near = np.argsort(distances, kind="stable")[: mixing.nearest]
    scores = mixing.scores(codes[near], codes[7:8], vectors[near], vectors[7:8])
    expected = near[np.argsort(-scores, kind="stable")][:20]
    assert [hit.row for hit in found.hits] == expected.tolist()
    assert found.reranked is not None
    assert found.reranked.compared == {"mixed": mixing.nearest}
    floats = vectors - mixing.middle
    cosines = floats @ floats[7] / np.linalg.norm(floats, axis=1)
    nearest = [place for place in np.argsort(-cosines) if place in near][:20]
    shared = len({*nearest} & {hit.row for hit in found.hits})
    assert shared > 15 if mixing.weight == UNKNOWN_WEIGHT else shared < 15


def test_it_is_the_default_and_says_what_it_did(store: Path, by: dict[str, HashModel]) -> None:
    query = Query.from_image(picture(900), by["first"])
    found = search(store, query, 5)
    assert found.reranked is not None
    assert found.reranked.compared == {"mixed": 100}
    everything = search(store, query, 500, rerank="none").hits
    assert query.vectors is not None
    with CodeStore.open(store) as opened:
        rows = np.array([hit.row for hit in everything[:100]])
        codes, (there, vectors) = opened.codes(rows), opened.vectors.read(rows)
    assert there.tolist() == rows.tolist()
    mixing = Mixing(UNSURE_WEIGHT, np.zeros(vectors.shape[1], np.float32), 100)
    scores = mixing.scores(codes, query.codes, vectors, query.vectors.values)
    order = np.argsort(-scores, kind="stable")[:5]
    assert [hit.row for hit in found.hits] == rows[order].tolist()
    # Each hit keeps its distance, and its rank by distance.
    assert [hit.hamming_rank for hit in found.hits] == (order + 1).tolist()


def test_where_there_is_nothing_to_mix_distances_alone_decide(
    store: Path, tmp_path: Path, by: dict[str, HashModel]
) -> None:
    with CodeStore.open(store, writable=True) as opened:
        code = opened.codes(np.array([3]))[0].tobytes()
        opened.vectors.drop(Ranges.of([(7, 1)]))
    for query in (f"code:{code.hex()}", "row:7"):
        assert search(store, query, 5).reranked is None
        with pytest.raises(ConfigurationError, match="it has no representation"):
            search(store, query, 5, rerank="mixed")
    bare = make_store(tmp_path / "bare", tmp_path / "scenes", by["first"], vectors=False)
    assert search(bare, "row:3", 5).reranked is None
    with pytest.raises(ConfigurationError, match="keeps no representations"):
        search(bare, "row:3", 5, rerank="mixed")


def test_codes_of_an_adapted_model_decide_alone(store: Path, by: dict[str, HashModel]) -> None:
    rehash(store, by["adapted"])
    assert search(store, "row:3", 5).reranked is None
    found = search(store, "row:3", 5, rerank="mixed").reranked
    assert found is not None
    assert found.by == ("mixed",)


def test_damage_among_the_nearest_costs_no_sound_hit(store: Path) -> None:
    before = search(store, "row:3", 1)
    (codes,) = store.glob("codes*.bin")
    data = bytearray(codes.read_bytes())
    data[-1] ^= 1
    codes.write_bytes(data)
    found = search(store, "row:3", 1)
    assert (found.hits[0].row, found.reranked) == (before.hits[0].row, None)
    assert any("in the order of their distances" in text for text in found.warnings)
    with pytest.raises(StoreDamagedError):
        search(store, "row:3", 1, rerank="mixed")

"""The second look of a store with representations, the default: codes and vectors together."""

from pathlib import Path

import numpy as np
import pytest

from scenehash import CodeStore, HashModel, Query, rehash, search
from scenehash.codes import unpack
from scenehash.errors import ConfigurationError, StoreDamagedError
from scenehash.retrieval.rerank import mixed_scores
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


def plain_score(stored: np.ndarray, queries: np.ndarray, cosine: float) -> float:
    bits, asked = unpack(stored[None])[0], unpack(queries)
    total = 0.5 * cosine
    for width in (min(64, len(bits)), len(bits)):
        total += max(float(np.mean(2.0 * (bits[:width] == one[:width]) - 1)) for one in asked)
    return total


@pytest.mark.parametrize("bits", [16, 64, 128, 256])
def test_the_score_is_that_of_leading_bits_of_all_bits_and_half_the_cosine(bits: int) -> None:
    rng = np.random.default_rng(bits)
    stored, queries = (rng.integers(0, 256, (count, bits // 8), np.uint8) for count in (9, 2))
    cosines = rng.uniform(-1, 1, 9).astype(np.float32)
    expected = [
        plain_score(one, queries, float(cosine))
        for one, cosine in zip(stored, cosines, strict=True)
    ]
    assert np.allclose(mixed_scores(stored, queries, cosines), expected, atol=1e-5)


def test_it_is_the_default_and_says_what_it_did(store: Path, by: dict[str, HashModel]) -> None:
    query = Query.from_image(picture(900), by["first"])
    found = search(store, query, 5)
    assert found.reranked is not None
    assert found.reranked.compared == {"mixed": 100}
    everything = search(store, query, 500, rerank="none").hits
    assert query.vectors is not None
    asked = query.vectors.values.astype(np.float64)[0]
    with CodeStore.open(store) as opened:
        rows = np.array([hit.row for hit in everything[:100]])
        codes, (there, vectors) = opened.codes(rows), opened.vectors.read(rows)
    assert there.tolist() == rows.tolist()
    kept = vectors.astype(np.float64)
    cosines = kept @ asked / np.linalg.norm(kept, axis=1) / np.linalg.norm(asked)
    scores = mixed_scores(codes, query.codes, cosines.astype(np.float32))
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
        with pytest.raises(ConfigurationError, match="there is no vector of it"):
            search(store, query, 5, rerank="mixed")
    bare = make_store(tmp_path / "bare", tmp_path / "scenes", by["first"], vectors=False)
    assert search(bare, "row:3", 5).reranked is None
    with pytest.raises(ConfigurationError, match="keeps no vectors"):
        search(bare, "row:3", 5, rerank="mixed")


def test_codes_of_an_adapted_model_decide_alone(store: Path, by: dict[str, HashModel]) -> None:
    rehash(store, by["adapted"])
    assert search(store, "row:3", 5).reranked is None
    found = search(store, "row:3", 5, rerank="mixed").reranked
    assert found is not None
    assert found.by == ("mixed",)


def test_damage_among_the_nearest_hundred_costs_no_sound_hit(store: Path) -> None:
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

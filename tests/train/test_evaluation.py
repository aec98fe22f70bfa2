import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenehash.codes import hamming
from scenehash_train.metrics import confusion, cosine_quality, mixed_quality, retrieval_quality


def by_loops(codes, labels, seed, k):
    """The protocol, one query and one rank at a time."""
    order = np.random.default_rng(seed).permutation(len(labels))
    codes, labels = codes[order], labels[order]
    totals = np.zeros(3)
    for query in range(len(labels)):
        distances = hamming(codes, codes[query]).tolist()
        others = [position for position in range(len(labels)) if position != query]
        ranked = sorted(others, key=lambda position: (distances[position], position))[:k]
        precisions, found = [], 0
        for rank, position in enumerate(ranked, start=1):
            if labels[position] == labels[query]:
                found += 1
                precisions.append(found / rank)
        relevant = int((labels == labels[query]).sum()) - 1
        totals += [
            sum(precisions) / max(1, min(k, relevant)),
            sum(precisions) / max(1, found),
            found / k,
        ]
    return totals / len(labels)


def several_classes(count: int, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Memberships bool [N, C], one at least for each."""
    members = rng.random((count, classes)) < 0.4
    members[np.arange(count), rng.integers(0, classes, count)] = True
    return members


def graded_by_loops(codes, sets, seed, k):
    """The protocol for images of several classes, one query and one rank at a time."""
    order = np.random.default_rng(seed).permutation(len(sets))
    codes, sets = codes[order], [sets[position] for position in order]
    totals = np.zeros(5)
    for query, wanted in enumerate(sets):
        distances = hamming(codes, codes[query]).tolist()
        others = [position for position in range(len(sets)) if position != query]
        ranked = sorted(others, key=lambda position: (distances[position], position))[:k]
        relevant = [position for position in others if wanted & sets[position]]
        precisions, found = [], 0
        for rank, position in enumerate(ranked, start=1):
            if position in relevant:
                found += 1
                precisions.append(found / rank)
        gain = {other: len(wanted & sets[other]) / len(wanted | sets[other]) for other in others}
        best = sorted(gain.values(), reverse=True)[:k]
        ideal = sum(value / math.log2(rank + 1) for rank, value in enumerate(best, start=1))
        got = sum(gain[other] / math.log2(rank + 1) for rank, other in enumerate(ranked, start=1))
        totals += [
            sum(precisions) / max(1, min(k, len(relevant))),
            sum(precisions) / max(1, found),
            found / k,
            sum(gain[other] for other in ranked) / k,
            got / ideal if ideal else 0,
        ]
    return totals / len(sets)


@given(st.integers(2, 40), st.integers(1, 5), st.integers(1, 25), st.integers(0, 1000))
def test_images_of_several_classes_are_judged_by_those_in_common(count, classes, k, seed) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (count, 2), np.uint8)
    members = several_classes(count, classes, rng)
    sets = [set(np.flatnonzero(row)) for row in members]
    got = list(retrieval_quality(codes, members, seed, k).as_dict().values())
    assert got == pytest.approx(graded_by_loops(codes, sets, seed, k).tolist(), abs=1e-6)


@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 1000))
def test_memberships_of_one_class_each_are_judged_as_classes_are(count, classes, seed) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (count, 2), np.uint8)
    labels = rng.integers(0, classes, count)
    plain = retrieval_quality(codes, labels, seed).as_dict()
    members = retrieval_quality(codes, np.eye(classes, dtype=bool)[labels], seed)
    assert {name: members.as_dict()[name] for name in plain} == plain
    assert plain.keys() == {"map_at_20", "map_at_20_hits", "precision_at_20"}
    # With one class each, the gain is 1 for a relevant image and 0 for another.
    assert members.acg_at_20 == pytest.approx(members.precision_at_20)


@given(st.integers(2, 60), st.integers(1, 5), st.integers(1, 25), st.integers(0, 1000))
def test_the_figures_are_those_of_the_protocol(count, classes, k, seed) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (count, 2), np.uint8)
    labels = rng.integers(0, classes, count)
    quality = retrieval_quality(codes, labels, seed, k)
    got = [quality.map_at_20, quality.map_at_20_hits, quality.precision_at_20]
    assert got == pytest.approx(by_loops(codes, labels, seed, k).tolist())


def test_folder_order_does_not_help_codes_that_say_nothing() -> None:
    labels = np.repeat(np.arange(20), 40)
    quality = retrieval_quality(np.zeros((800, 8), np.uint8), labels, 0)
    assert quality.precision_at_20 == pytest.approx(1 / 20, abs=0.01)


def test_a_single_hit_at_rank_1_is_all_that_map_at_20_hits_wants() -> None:
    near, far = [0, 0], [255, 255]
    codes = np.array([near, near] + [far] * 40, np.uint8)
    labels = np.array([0, 0] + [0] * 20 + [1] * 20)
    quality = retrieval_quality(codes, labels, 0)
    assert quality.map_at_20_hits > quality.map_at_20


def test_perfect_vectors_have_quality_1() -> None:
    labels = np.repeat(np.arange(4), 10)
    quality = cosine_quality(np.eye(4, dtype=np.float32)[labels], labels, k=9)
    assert quality.map_at_20 == quality.map_at_20_hits == quality.precision_at_20 == 1


def test_confusion_is_what_is_found_for_what() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 30)
    near = np.array([[0, 0], [0, 15], [255, 255]], np.uint8)[labels]
    codes = near ^ (1 << rng.integers(0, 8, (90, 2))).astype(np.uint8)
    found = confusion(codes, labels, 0)
    assert found.sum(axis=1) == pytest.approx(1)
    quality = retrieval_quality(codes, labels, 0)
    assert found.diagonal().mean() == pytest.approx(quality.precision_at_20)
    assert found[0, 2] < found[0, 1] < found[0, 0]


def test_confusion_of_several_classes_has_a_query_in_each_of_its_rows() -> None:
    near, far = [0, 0], [255, 255]
    codes = np.array([near, near, far, far, far], np.uint8)
    members = np.zeros((5, 4), bool)
    for row, of_one in zip(members, ((0, 1), (1,), (2,), (2,), (0, 2)), strict=True):
        row[list(of_one)] = True
    found = confusion(codes, members, 0, k=1)
    # Image 0 finds 1, and 1 finds 0; 2, 3 and 4 find one another.
    assert found[0].tolist() == [0, 0.5, 0.5, 0]
    assert found[1].tolist() == [0.5, 1, 0, 0]
    assert found[2, 2] == 1
    assert np.isnan(found[3]).all()


def test_a_second_look_orders_the_nearest_by_codes_and_vectors():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 4, 150)
    codes = rng.integers(0, 256, (150, 16), np.uint8)
    vectors = rng.integers(-127, 128, (150, 12)).astype(np.int8)
    order = np.random.default_rng(3).permutation(150)
    shuffled, kept, classes = codes[order], vectors[order].astype(np.float64), labels[order]
    bits = np.unpackbits(shuffled, axis=1)
    total = 0.0
    for query in range(150):
        distances = (bits != bits[query]).sum(axis=1)
        leading = (bits[:, :64] != bits[query, :64]).sum(axis=1)
        lengths = np.linalg.norm(kept, axis=1) * np.linalg.norm(kept[query])
        cosines = kept @ kept[query] / lengths
        scores = 2 - 2 * leading / 64 - 2 * distances / 128 + cosines / 2
        near = [one for one in np.argsort(distances, kind="stable") if one != query][:100]
        ranked = sorted(near, key=lambda one: -scores[one])[:20]
        relevant = [classes[one] == classes[query] for one in ranked]
        found = [sum(relevant[: n + 1]) / (n + 1) for n in range(20) if relevant[n]]
        total += sum(found) / min(20, int((classes == classes[query]).sum()) - 1)
    assert mixed_quality(codes, vectors, labels, 3).map_at_20 == pytest.approx(total / 150)

"""The compact representation: whole numbers that keep what the backbone and the head say."""

from typing import Any

import pytest
import torch

from scenehash_train.compact import fit_compact
from scenehash_train.head import LARGEST, Branches, Compact, Projection, plain_mlp

WIDTH, COMPONENTS, DIMS = 40, 20, 24


class InMemory:
    """Representations that are read as the cached ones are."""

    views = 1

    def __init__(self, vectors: torch.Tensor) -> None:
        self.vectors = vectors

    def __len__(self) -> int:
        return len(self.vectors)

    def read(self, start: int = 0, stop: int | None = None) -> Any:
        return self.vectors[start:stop, None].numpy()


@pytest.fixture
def parts():
    torch.manual_seed(0)
    vectors = torch.randn(900, 6) @ torch.randn(6, WIDTH) + torch.randn(900, WIDTH) * 0.3 + 2
    matrix = torch.linalg.svd(vectors - vectors.mean(0)).Vh[:COMPONENTS].T
    projection = Projection(vectors.mean(0), matrix)
    head = Branches(plain_mlp(WIDTH, (16,), 8), plain_mlp(WIDTH, (), 24)).eval()
    represented: Any = InMemory(vectors)
    return vectors, head, fit_compact(represented, projection, head, DIMS, 0)


def compacted(vectors: torch.Tensor, head: Branches, compact: Compact) -> torch.Tensor:
    inner = zip(head.inner(vectors), head.deep(), strict=True)
    with torch.no_grad():
        result: torch.Tensor = compact(vectors, [values for values, deep in inner if deep])
    return result


def test_whole_numbers_of_one_byte_that_are_rarely_cut_off(parts):
    values = compacted(*parts)
    assert values.shape == (900, DIMS)
    assert torch.equal(values, values.round())
    assert values.abs().max() == LARGEST
    assert (values.abs() == LARGEST).float().mean() < 0.002


def test_it_is_centred_and_its_first_dimensions_vary_most(parts):
    values = compacted(*parts)
    assert values.mean(0).abs().max() < 3
    spread = values.var(0)
    assert spread[:4].min() > spread[-4:].max()


def test_logits_and_components_can_be_told_from_it(parts):
    vectors, head, compact = parts
    values = compacted(vectors, head, compact)
    with torch.no_grad():
        logits = head(vectors)
    known = torch.cat([values, torch.ones(len(values), 1)], 1)
    fitted = known @ torch.linalg.lstsq(known, logits).solution
    assert (fitted - logits).var() < 0.02 * logits.var()


def test_the_frame_changes_with_the_numbers(parts):
    _, _, compact = parts
    before = compact.frame
    assert before == compact.frame
    with torch.no_grad():
        compact.direct.weight[0, 0] += 1
    assert compact.frame != before

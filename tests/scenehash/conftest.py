"""Fixtures of the tests of the device's side."""

from collections.abc import Iterator

import pytest

from scenehash.index import code_index, kernel_loader, kernels

ABSENT = pytest.mark.skipif(
    not kernel_loader.available(), reason="numba is not installed: extra 'fast'"
)


# Compiling takes longer than all that is tested by it.
COMPILED = pytest.param("numba", marks=[ABSENT, pytest.mark.slow])


@pytest.fixture(scope="module", params=["numpy", COMPILED])
def loops(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each test of a module twice: with numpy's loops, and with compiled ones from the start."""
    with pytest.MonkeyPatch.context() as patch:
        only_numpy = request.param == "numpy"
        chosen = (lambda _words: kernels.NUMPY) if only_numpy else kernel_loader.warm
        patch.setattr(code_index, "kernels_for", chosen)
        patch.setattr(code_index, "note_search", lambda *_: None)
        yield request.param

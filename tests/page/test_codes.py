"""Codes are adapted to the archive: judged, given to the store, and searched with at once."""

from pathlib import Path
from typing import Any

from scenehash import HashModel, IngestOptions, ingest
from scenehash.demo.tiles import KINDS, archive_paths, query_path
from scenehash.tiling import Tiling

from ..tiny_model import tiny_model
from .conftest import serving, visiting
from .test_search import hits


def test_codes_are_adapted_judged_and_given_to_the_store(browser: Any, tmp_path: Path) -> None:
    model = HashModel.load(tiny_model(tmp_path / "first.onnx", "first", 64, seed=1))
    images = [path for kind in KINDS for path in archive_paths(kind)[:2]]
    ingest(images, tmp_path / "s", model, IngestOptions(tiling=Tiling(64)))
    with serving(tmp_path / "s", model=model) as running, visiting(browser, running.url) as visit:
        page = visit.go("/station")
        # A store that keeps no thumbnails has a page as well.
        page.wait_for_selector("dd:has-text('none are kept')")
        assert "first" in page.locator("dl.facts", has_text="Lineage").inner_text()
        page.get_by_role("button", name="Adapt the codes to this archive").click()
        page.wait_for_selector(".gain:has-text('Keep the codes that the store has')")
        assert page.locator(".measures tbody tr").count() == 2
        assert page.get_by_role("button", name="Rehash the store").count() == 0
        page.get_by_role("button", name="Adapt anyway").click()
        page.wait_for_selector(".gain:has-text('made anyway')")
        # It is kept in the address of nothing: whoever comes next sees it, too.
        page.reload()
        page.get_by_role("button", name="Rehash the store").click()
        page.wait_for_selector(".gain:has-text('in use')")
        page.wait_for_selector(".note:has-text('24 scenes from stored representations or codes')")
        assert page.locator("section[aria-label=Jobs] tbody tr").count() == 3
        page = visit.go("/search")
        page.set_input_files("[data-focus=query]", str(query_path("harbor")))
        page.get_by_role("button", name="Search with the whole image").click()
        hits(page)

"""The live feed: events as a watch reports them, verdicts, a server that is killed meanwhile."""

import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scenehash import CodeStore
from scenehash.alerts.making import add_alert
from scenehash.demo.tiles import demo_tiles, query_path

from ..scenehash.serve.stations import COMMAND, wait_for
from .conftest import ServerProcess, Visit, geotiff, picture, visiting


class Watched:
    """A store with an alert, its server, and a folder that a watch takes scenes from."""

    def __init__(self, folder: Path, archive: Path) -> None:
        store, self.incoming = folder / "watched.store", folder / "incoming"
        self.incoming.mkdir()
        self.outside = folder
        shutil.copytree(archive, store)
        with CodeStore.open(store, writable=True) as opened:
            add_alert(opened, "harbor", ["row:42", "row:43"], radius=12)
        words = ["watch", self.incoming, "--settle", "0", "--store", store]
        self._watch = subprocess.Popen([*COMMAND, *map(str, words)], stdout=subprocess.DEVNULL)
        self.server = ServerProcess(store)
        self.server.start()

    def arrive(self, name: str, kind: str, shift: int) -> None:
        """A view of a kind that was never stored comes in, whole at once."""
        tile = demo_tiles(kind)[0]
        made = picture(self.outside / name, tile[shift : 200 + shift, shift : 200 + shift])
        made.rename(self.incoming / name)

    def end(self) -> None:
        self.server.end()
        self._watch.terminate()
        self._watch.wait(20)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, archive: Path) -> Iterator[Watched]:
    station = Watched(tmp_path_factory.mktemp("watched"), archive)
    yield station
    station.end()


@pytest.fixture
def feed(browser: Any, watched: Watched) -> Iterator[Visit]:
    with visiting(browser, watched.server.url) as visit:
        yield visit


def numbers(page: Any) -> list[int]:
    return [int(row.get_attribute("data-event")) for row in page.locator("[data-event]").all()]


def tiles_of(store: Path) -> int:
    with CodeStore.open(store) as opened:
        return len(opened)


def event_of(page: Any, name: str) -> Any:
    return page.locator(".event", has_text=name)


def test_an_event_appears_as_it_comes_and_is_confirmed_and_another_rejected(
    feed: Visit, watched: Watched
) -> None:
    page = feed.go("/live")
    page.wait_for_selector(".state.good, .state.idle:has-text('no watch')")
    watched.arrive("first.png", "harbor", 0)
    event_of(page, "first.png").wait_for()
    # All that there ever was is shown.
    assert page.get_by_role("button", name="Older events").count() == 0
    assert "harbor" in event_of(page, "first.png").inner_text()
    page.wait_for_selector(".judge.open")
    assert page.locator(".event-detail .pair img").count() == 2
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_selector(".judge.confirmed")
    watched.arrive("second.png", "harbor", 8)
    event_of(page, "second.png").click()
    page.wait_for_function(
        "() => document.querySelector('.event-detail h2')?.innerText === 'second.png'"
    )
    page.keyboard.press("x")
    page.wait_for_selector(".judge.rejected")
    # What was said is in the store: another visitor sees it.
    page.reload()
    page.wait_for_selector(".judge.rejected")
    feed.go("/alerts/harbor")
    page.wait_for_selector("h2:has-text('3 examples')")
    page.wait_for_selector("h2:has-text('Not like 1 tile')")


# A key that is pressed in the instant in which another event takes the place of the one shown.
PRESSED_TOO_LATE = """name => new Promise(done => {
    const look = new MutationObserver(() => {
        if (document.querySelector(".event-detail h2")?.innerText !== name) return;
        look.disconnect();
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "x", bubbles: true }));
        done();
    });
    look.observe(document.body, { subtree: true, childList: true, characterData: true });
})"""


def test_a_verdict_is_not_given_to_an_event_that_has_just_come_up(
    feed: Visit, watched: Watched
) -> None:
    page = feed.go("/live")
    page.wait_for_selector(".event-detail h2")
    page.evaluate(f"void (window.pressed = ({PRESSED_TOO_LATE})('late.png'))")
    watched.arrive("late.png", "harbor", 16)
    page.evaluate("window.pressed")
    page.wait_for_selector(".message.shown:has-text('just arrived')")
    assert page.locator(".judge.open").count() == 1
    # It is what the operator sees by now.
    page.wait_for_timeout(1_300)
    page.keyboard.press("x")
    page.wait_for_selector(".judge.rejected")


def test_the_feed_is_filtered_and_an_event_has_an_address(feed: Visit, watched: Watched) -> None:
    (watched.incoming / "torn.jpg").write_bytes(query_path("river").read_bytes()[:900])
    watched.arrive("plain.png", "forest", 4)
    page = feed.go("/live")
    event_of(page, "torn.jpg").wait_for()
    event_of(page, "plain.png").wait_for()
    every = len(numbers(page))
    page.get_by_role("button", name="Alerts").click()
    page.wait_for_function("() => location.search.includes('show=alerts')")
    assert event_of(page, "plain.png").count() == 0
    page.get_by_role("button", name="Set aside").click()
    event_of(page, "torn.jpg").wait_for()
    event_of(page, "torn.jpg").click()
    page.wait_for_function("() => location.search.includes('event=')")
    assert page.locator(".event-detail .trouble").inner_text()
    page.reload()
    page.wait_for_function(
        "() => document.querySelector('.event-detail h2')?.innerText === 'torn.jpg'"
    )
    page.get_by_role("button", name="All", exact=True).click()
    page.wait_for_function("n => document.querySelectorAll('[data-event]').length === n", arg=every)


def test_a_place_that_has_changed_is_shown_beside_what_it_was(
    feed: Visit, watched: Watched
) -> None:
    name = "marseille_20150720.tif"
    geotiff(watched.outside / name, "forest", "EPSG:32631", 690_000, 4_800_000, 10)
    (watched.outside / name).rename(watched.incoming / name)
    page = feed.go("/live?show=changed")
    event_of(page, name).click()
    page.wait_for_selector(".verdict:has-text('The place has changed.')")
    assert "before, 2014-07-20" in page.locator(".pair").inner_text()
    assert "changed" in event_of(page, name).inner_text()
    assert page.locator(".strip .changed").count() > 0


def test_a_killed_and_restarted_server_costs_no_event_and_doubles_none(
    feed: Visit, watched: Watched
) -> None:
    page = feed.go("/live")
    page.wait_for_selector(".state:not(.bad)")
    watched.arrive("before.png", "river", 0)
    event_of(page, "before.png").wait_for()
    watched.server.end(signal.SIGKILL)
    page.wait_for_selector(".state.bad")
    # Two come while nobody can be asked.
    before = tiles_of(watched.server.store)
    watched.arrive("meanwhile.png", "runway", 2)
    watched.arrive("meanwhile-too.png", "beach", 2)
    wait_for(lambda: tiles_of(watched.server.store) == before + 2)
    watched.server.start()
    event_of(page, "meanwhile-too.png").wait_for(timeout=40_000)
    watched.arrive("after.png", "freeway", 2)
    event_of(page, "after.png").wait_for()
    found = numbers(page)
    assert Counter(found).most_common(1)[0][1] == 1
    assert found == list(range(found[0], 0, -1))
    assert page.locator(".state.bad").count() == 0


def test_a_view_that_got_no_answer_comes_when_the_server_is_back(
    feed: Visit, watched: Watched
) -> None:
    page = feed.go("/live")
    page.wait_for_selector(".state:not(.bad)")
    watched.server.end(signal.SIGKILL)
    page.get_by_role("link", name="Scenes", exact=True).click()
    page.get_by_text("does not answer").first.wait_for()
    watched.server.start()
    page.wait_for_selector("table.list tbody tr", timeout=40_000)
    assert page.locator("main .trouble").count() == 0

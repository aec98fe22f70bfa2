"""A search becomes an alert; the watch list; radius and removal."""

from .conftest import Visit
from .test_search import hits


def test_a_search_becomes_an_alert_with_what_it_would_have_matched(visit: Visit) -> None:
    page = visit.go("/search?q=row:42&q=row:43&not=row:3")
    hits(page)
    page.get_by_role("link", name="Make an alert").click()
    page.wait_for_selector(".radius rect")
    assert page.url.split("/alerts/new")[1] == "?q=row:42&q=row:43&not=row:3"
    page.get_by_role("slider", name="Radius").fill("12")
    assert "would have matched" in page.locator(".expectation").inner_text()
    page.wait_for_selector(".tile-row img")
    page.get_by_label("Name").fill("<i>quay</i>")
    page.get_by_role("button", name="Add to the watch list").click()
    page.wait_for_selector("h1:text-is('<i>quay</i>')")
    assert "at most 12 bits away" in page.locator(".head").inner_text()
    assert page.locator("main .grid img").count() == 3

    # It is on the list, and its radius can be changed.
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Alerts").click()
    page.get_by_role("link", name="<i>quay</i>").click()
    page.wait_for_selector(".radius rect")
    page.get_by_role("slider", name="Radius").fill("7")
    page.get_by_role("button", name="Decide by a radius of 7 bits").click()
    page.wait_for_function(
        "() => document.querySelector('.head')?.innerText.includes('at most 7 bits')"
    )
    with_label = page.get_by_label("Scenes with the label")
    with_label.select_option("harbor")
    page.wait_for_function(
        "() => document.querySelector('.expectation')?.innerText.includes('recall')"
    )

    page.get_by_role("button", name="Remove the alert").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.wait_for_selector("h1:text-is('Watch list')")
    assert page.get_by_role("link", name="<i>quay</i>").count() == 0


def test_an_alert_is_made_for_a_rate_of_false_alarms(visit: Visit) -> None:
    page = visit.go("/alerts/new?q=row:42&q=row:43&q=row:44")
    page.wait_for_selector(".radius rect")
    page.get_by_role("button", name="A false alarm rate").click()
    page.get_by_label("False alarms", exact=True).fill("20")
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.search.includes('rate=20/1000')")
    page.wait_for_selector(".expectation:has-text('in 1,000 tiles')")
    page.get_by_label("Name").fill("rated")
    page.get_by_role("button", name="Add to the watch list").click()
    page.wait_for_selector("h1:text-is('rated')")
    assert "20 false alarms in 1,000 tiles" in page.locator(".head").inner_text()
    # By a radius again.
    page.get_by_role("button", name="A radius").click()
    page.get_by_role("slider", name="Radius").fill("9")
    page.get_by_role("button", name="Decide by a radius of 9 bits").click()
    page.wait_for_function("() => document.querySelector('.head')?.innerText.includes('9 bits')")


def test_a_name_that_is_taken_is_refused_in_the_words_of_the_command(visit: Visit) -> None:
    for _ in range(2):
        page = visit.go("/alerts/new?q=row:42")
        page.wait_for_selector(".radius rect")
        page.get_by_label("Name").fill("twice")
        page.get_by_role("button", name="Add to the watch list").click()
        page.wait_for_selector("h1:text-is('twice'), .name .trouble")
    assert "an alert with that name exists" in page.locator(".name .trouble").inner_text()
    visit.go("/alerts/nobody")
    assert "No alert has this name" in page.locator(".trouble").inner_text()


def test_alerts_that_a_rehash_disabled_are_named(visit: Visit) -> None:
    lost = {"name": "old quay", "radius": 8, "examples": ["row:1"], "negatives": [], "rule": None}
    answer = {"store": "s", "alerts": [], "disabled": [lost]}
    visit.page.route("**/api/alerts", lambda route: route.fulfill(json=answer))
    page = visit.go("/alerts")
    assert "Disabled: old quay." in page.locator(".trouble").inner_text()

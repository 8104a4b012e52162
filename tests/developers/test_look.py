"""In a real browser: no page is wider than a phone, every page passes axe, and what is copied is what is shown."""

import pytest

from tests import chromium
from tests.browser.people import Person
from tests.clients.site import Site
from tests.developers.test_pages import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.once]


def test_the_pages_fit_a_phone_and_programs_scroll_inside_themselves(site: Site) -> None:
    with chromium.running() as browser:
        person = Person(browser.new_page(viewport={"width": 390, "height": 844}), javascript=True)
        for page in PAGES:
            person.opens(f"{site.issuer}/developers{page}")
            assert person.page.evaluate("document.documentElement.scrollWidth") == 390, page
        person.opens(f"{site.issuer}/developers/quick-start")
        assert person.page.locator("pre:has(#python)").evaluate("it => it.scrollWidth > it.clientWidth")


def test_a_program_is_copied_whole_and_each_language_has_its_tab(site: Site) -> None:
    with chromium.running() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        person = Person(context.new_page(), javascript=True)
        person.opens(f"{site.issuer}/developers/quick-start")
        assert person.page.locator("#node").is_hidden()

        person.page.get_by_role("tab", name="Node").click()
        person.page.locator("[data-copy=node]").click()

        person.page.get_by_text("Copied").wait_for()
        copied = person.page.evaluate("navigator.clipboard.readText()")
        assert copied == person.page.locator("#node").text_content()


def test_without_javascript_every_language_is_shown(site: Site) -> None:
    with chromium.running() as browser:
        person = Person(browser.new_page(java_script_enabled=False), javascript=False)
        person.opens(f"{site.issuer}/developers/quick-start")

        for program in ("curl-1", "python", "node"):
            assert person.page.locator(f"#{program}").is_visible()

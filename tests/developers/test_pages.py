"""The pages for developers say what the code does, and anybody may keep them."""

import datetime as dt
import json
import re
from typing import Any, cast
from urllib.parse import urldefrag

import pytest
from starlette.testclient import TestClient

from app.developers import errors, lifetimes, places, snippets
from app.models.scope import SCOPES
from app.oauth import metadata, refresh_token, store
from app.roster.errors import _CODES
from app.roster.organisations import PLACES
from app.settings import ROOT, settings
from app.sync import passwords
from app.web.errors import _TITLES
from tests import factories
from tests.developers.source import error_codes
from tests.pages import Browser
from tests.roster.api import reader

PAGES = ["", "/quick-start", "/scopes", "/profiles", "/lifetimes", "/webhooks", "/partner-api", "/errors", "/test-apps"]
PAGES += ["/groupcall", "/accounts"]


def opened(browser: Browser, page: str) -> Any:
    browser.opens(f"/developers{page}")
    return browser.document


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


def test_every_page_is_in_the_menu_and_every_cache_may_keep_it(browser: Browser) -> None:
    browser.opens("/")
    browser.follows("For developers")
    menu = browser.document.xpath("//nav[contains(@class, 'gh-docs__menu')]//a/@href")

    assert sorted(menu) == sorted(f"/developers{page}" for page in PAGES)
    for page in PAGES:
        current = opened(browser, page).xpath("//nav//a[@aria-current='page']/@href")
        assert current == [f"/developers{page}"]
        assert browser.headers["cache-control"] == "public, max-age=300"
        assert "set-cookie" not in browser.headers


def test_a_page_is_the_same_whoever_is_signed_in(browser: Browser) -> None:
    from app.db import sessions

    before = [opened(browser, page).text_content() for page in PAGES]
    with sessions.begin() as db:
        admin = factories.admin(db, factories.school(db), name="Nadia Named")
    factories.signs_in(browser, admin)

    assert [opened(browser, page).text_content() for page in PAGES] == before
    browser.opens("/school")
    assert "Nadia Named" in browser.text


def test_no_link_leads_nowhere(browser: Browser) -> None:
    for page in PAGES:
        for href in opened(browser, page).xpath("//main//a/@href"):
            address, anchor = urldefrag(href)
            if address.startswith("mailto:"):
                continue
            answer = browser.client.get(address or f"/developers{page}")
            assert answer.status_code == 200, href
            assert not anchor or f'id="{anchor}"' in answer.text, f"{href} on {page}"


def test_every_error_code_of_the_source_has_an_entry(browser: Browser) -> None:
    folders = ("oauth", "roster", "partners", "web", "endpoint", "sync")
    found = error_codes(*(ROOT / "app" / folder for folder in folders))
    assert {
        "invalid_grant",
        "invalid_client",
        "school_unverified",
        "insufficient_scope",
        "authorisation_paused",
    } <= set(found), "the source is read"

    page = opened(browser, "/errors")

    explained = {section.get("id"): section for section in page.find_class("gh-entry")}
    assert not {code: files for code, files in found.items() if code not in explained}
    assert not set(_CODES.values()) - set(explained)
    known = {*found, *_CODES.values(), *(entry.code for entry in errors.STATUSES.entries)}
    assert not set(explained) - known, "an entry that nothing answers with any more"
    for section in explained.values():
        assert words(section.find_class("gh-entry__meaning")[0])
        assert words(section.find_class("gh-entry__fix")[0]).removeprefix("What to do:").strip()


def test_an_entry_stands_once_and_a_problem_links_to_one(browser: Browser) -> None:
    codes = [entry.code for group in errors.GROUPS for entry in group.entries]
    assert len(codes) == len(set(codes))
    assert {str(status) for status in _TITLES} <= set(codes)

    problem = browser.client.get("/nowhere", headers={"accept": "application/json"}).json()

    address, anchor = urldefrag(problem["type"])
    assert f'id="{anchor}"' in browser.client.get(address).text


def test_scopes_are_shown_with_the_fields_that_they_open(browser: Browser) -> None:
    page = opened(browser, "/scopes")

    for scope in SCOPES.values():
        card = page.get_element_by_id(scope.name)
        assert tuple(code.text for code in card.find_class("gh-fields")[0].iter("code")) == scope.fields
        assert f"{scope.title}. {scope.description}" in words(card)
    assert len(page.find_class("gh-fields")) == len(SCOPES)


def test_each_field_of_a_school_is_shown_with_the_path_that_the_api_answers(
    browser: Browser,
) -> None:
    answered = reader(cast(TestClient, browser.client), last_changed=dt.date(2099, 3, 1)).org()
    page = opened(browser, "/scopes")

    shown = {words(row[0]): words(row[1]) for row in page.xpath("//tbody/tr")}
    example = json.loads(page.get_element_by_id("answer").text_content())["orgs"][0]

    assert shown == places.PATHS == {field: path for path, field in PLACES.items()}
    assert set(shown) == set(SCOPES["school"].fields)
    assert example | {"sourcedId": ""} == answered | {"sourcedId": ""}
    assert page.get_element_by_id("filter").text_content().count("filter=identifier='100001'") == 1


def test_lifetimes_are_those_of_this_server(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def shown() -> dict[str, str]:
        rows = opened(browser, "/lifetimes").xpath("//tbody/tr")
        return {words(row[0]): words(row[1]) for row in rows}

    usual = shown()
    assert (usual["Authorization code"], usual["Access token"]) == ("60 seconds", "10 minutes")
    assert (usual["Lost response"], usual["Waiting request"]) == ("30 seconds", "24 hours")
    assert refresh_token.LOST_RESPONSE.total_seconds() == 30
    assert usual["After a revocation"] == "1 second" and store.KEPT_SECONDS < 1

    monkeypatch.setattr(settings, "access_token_seconds", 90)
    monkeypatch.setattr(settings, "authorisation_months", 6)
    assert (shown()["Access token"], shown()["Authorisation"]) == ("90 seconds", "6 months at most")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(90, "90 seconds"), (60, "60 seconds"), (120, "2 minutes"), (3600, "1 hour"), (5400, "90 minutes")],
)
def test_a_duration_is_exact(seconds: int, said: str) -> None:
    assert lifetimes.words(seconds) == said


def test_the_addresses_are_those_of_the_metadata_and_of_the_api(browser: Browser) -> None:
    page = opened(browser, "")
    shown = {words(row[0]): words(row[1]) for row in page.xpath("//dl/div")}

    server = metadata.server()
    assert shown["token_endpoint"] == server["token_endpoint"]
    assert {name for name in server if name.endswith("_endpoint")} < set(shown)
    api = browser.client.get("/openapi.json").json()["paths"]
    assert {f"GET {path}" for path, told in api.items() if "get" in told and path.startswith("/ims/")} < set(shown)
    page = opened(browser, "/partner-api")
    shown = {words(row[0]): words(row[1]) for row in page.xpath("//dl/div")}
    calls = {(how.upper(), path) for path, told in api.items() for how in told if path.startswith("/partner/")}
    assert {f"{how} {path}" for how, path in calls} == {text for text in shown if " /partner/" in text}


def test_a_program_stands_on_the_page_as_it_is_in_its_file_with_our_addresses(browser: Browser) -> None:
    page = opened(browser, "/quick-start")
    ids = {"settings": "settings.sh", "python": "quick_start.py", "node": "quick_start.mjs"}
    ids |= {
        f"curl-{name[5]}": f"{name}.sh" for name in ("curl_1_ask", "curl_2_exchange", "curl_3_read", "curl_4_refresh")
    }
    ids |= {"introspect": "introspect.sh", "look-up": "look_up.sh", "revoke": "revoke.sh"}
    ids |= {"give-back": "give_back.sh", "logout": "logout.txt"}

    assert {*ids.values(), "filter.sh"} == {path.name for path in snippets.FOLDER.iterdir()}
    for element_id, name in ids.items():
        shown = page.get_element_by_id(element_id).text_content()
        assert len(shown.splitlines()) == len((snippets.FOLDER / name).read_text().splitlines())
        left = set(re.findall(r"<[a-z_]+>", shown))
        assert left == ({"<client_id>", "<client_secret>", "<redirect_uri>"} if element_id == "settings" else set())
        assert page.xpath("//button[@data-copy=$id]", id=element_id)


def test_the_chapter_about_accounts_names_the_pictures_in_their_order(browser: Browser) -> None:
    page = words(opened(browser, "/accounts"))
    assert ", ".join(f"{digit} {name}" for digit, name in enumerate(passwords.PICTURES)) in page

"""product.md 5: why the law lets a scope be shared is chosen from the law's own lists, and read in words everywhere."""

import dataclasses

import pytest

from app.db import sessions
from app.models import lawful
from app.models.partner import App
from app.models.receipt import Receipt
from app.models.scope import SCOPES
from app.partners import app_routes
from app.sharing.service import agreed
from tests import factories
from tests.pages import Browser
from tests.partners.caller import Caller
from tests.partners.people import FILLED, Company, app_now, company, opens
from tests.sharing.people import World, granted, world

WORDS = "Public task (UK GDPR Article 6(1)(e))"
EMAIL = {"ask-email": "optional", "purpose-email": "To write to you", "legal_basis-email": "6(1)(e)"}


@pytest.fixture
def special_email(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one scope be of a special category."""
    marked = dataclasses.replace(SCOPES["email"], special=True)
    monkeypatch.setitem(SCOPES, "email", marked)
    monkeypatch.setattr(app_routes, "OFFERED", [marked if one.name == "email" else one for one in app_routes.OFFERED])


@pytest.mark.parametrize("typed", ["", "Because we want to", WORDS, "6(1)(z)", "9(2)(g)", "6(1)(e), 6(1)(f)"])
def test_only_a_basis_of_the_list_counts(browser: Browser, typed: str) -> None:
    here = company()
    opens(browser, here.person)
    wrong = FILLED | {"legal_basis-school": typed, "purpose-school": "Kept as typed"}

    browser.posts("/partners/apps/new", 422, **wrong)
    browser.posts(f"{here.page}/scopes", 400, **wrong)

    assert "Choose the lawful basis for “Your school’s details” from the list" in browser.text
    assert "Kept as typed" in browser.text
    browser.posts(f"{here.page}/scopes", 200, **FILLED)
    assert app_now(here).scopes[0].legal_basis == "6(1)(e)"


@pytest.mark.usefixtures("special_email")
def test_a_special_category_needs_a_condition_of_the_list(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    for typed in ("", "Because", "6(1)(e)"):
        browser.posts(f"{here.page}/scopes", 400, **FILLED, **EMAIL, **{"special_condition-email": typed})
        assert "Choose the Article 9 condition" in browser.text
    assert app_now(here).asks == ("school",)
    browser.opens(f"{here.page}/scopes")
    browser.fills("Article 9 condition of: Email address of the person who signs in", lawful.words("9(2)(g)"))
    browser.posts(f"{here.page}/scopes", 200, **FILLED, **EMAIL, **{"special_condition-email": "9(2)(g)"})
    assert [row.special_condition for row in app_now(here).scopes] == [None, "9(2)(g)"]


def test_a_condition_for_what_is_not_special_counts_for_nothing(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    browser.posts(f"{here.page}/scopes", 200, **FILLED, **{"special_condition-school": "9(2)(g)"})
    [row] = app_now(here).scopes
    assert (row.legal_basis, row.special_condition) == ("6(1)(e)", None)


def test_a_text_from_before_the_list_is_shown_but_a_new_one_is_chosen(browser: Browser) -> None:
    here = with_basis(company(), "Our own words")
    opens(browser, here.person)
    browser.opens(f"{here.page}/scopes")
    assert "Until now: Our own words" in browser.text
    browser.presses("Save Changes", 400)
    browser.opens(here.page)
    assert "Choose the lawful basis" in browser.text
    browser.posts(f"{here.page}/live", 409)

    with_basis(here, WORDS)
    browser.opens(f"{here.page}/scopes")
    browser.presses("Save Changes")
    assert app_now(here).scopes[0].legal_basis == "6(1)(e)"
    browser.posts(f"{here.page}/live", 200)


def test_receipts_keep_the_words_that_were_agreed_to() -> None:
    here = in_words("6(1)(e)")
    given = granted(here, "school")
    with sessions.read() as db:
        [receipt] = db.query(Receipt).where(Receipt.authorisation_id == given.id)
    assert receipt.content["pii_processing"]["purposes"][0]["lawful_basis"] == WORDS
    assert given.terms and given.terms[0]["legal_basis"] == WORDS
    assert agreed(given)[0].grounds == (WORDS, "")
    older = granted(in_words("Our own words", 100002), "school")
    assert agreed(older)[0].grounds == ("Our own words", "")


def test_a_school_reads_the_words_on_its_pages(browser: Browser) -> None:
    here = in_words("6(1)(e)")
    given = granted(here, "school")
    factories.signs_in(browser, here.admin)
    for path in (f"/school/apps/{given.id}", f"/school/apps/{given.id}/change", "/school/record-of-processing"):
        browser.opens(path)
        assert WORDS in browser.text


def test_the_api_tells_the_point_of_the_law_and_its_words(mine: Caller) -> None:
    with sessions.begin() as db:
        db.get_one(App, mine.app.id).scopes[0].legal_basis = "6(1)(e)"
    [scope] = mine.gets("/app")["scopes"]
    assert (scope["legal_basis"], scope["legal_basis_words"]) == ("6(1)(e)", WORDS)
    assert scope["special_condition"] is scope["special_condition_words"] is None


def test_every_point_has_words_of_its_own_and_is_found_by_them() -> None:
    for point in lawful.BASES | lawful.CONDITIONS:
        assert point in lawful.words(point) and lawful.point(lawful.words(point)) == point == lawful.point(point)
    assert {point[-2] for point in lawful.BASES} == set("abcdef")
    assert lawful.words(None) == lawful.point(None) == lawful.point("else") == ""


def with_basis(of: Company, basis: str) -> Company:
    with sessions.begin() as db:
        db.get_one(App, of.app.id).scopes[0].legal_basis = basis
    return of


def in_words(basis: str, urn: int = 100001) -> World:
    here = world(urn)
    with sessions.begin() as db:
        db.get_one(App, here.app.id).scopes[0].legal_basis = basis
    with sessions.read() as db:
        return World(here.school, here.admin, db.get_one(App, here.app.id))

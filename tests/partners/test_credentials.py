"""How an app authenticates: nothing weaker behind the operators' back, nothing new while it is suspended."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey
from starlette.types import ASGIApp

from app.db import DatabaseAway, sessions
from app.models.account import PARTNER_USER, Membership
from app.models.base import ahead, now
from app.models.partner import App, AppSecret, Partner
from app.partners import apps, proposals
from tests import factories
from tests.pages import Browser
from tests.partners.caller import Caller
from tests.partners.people import Company, app_now, company, opens
from tests.partners.test_proof import grows_old

BY_SECRET, POSTED, BY_KEY, PUBLIC = "client_secret_basic", "client_secret_post", "private_key_jwt", "none"


def key(name: str = "one") -> str:
    return json.dumps(ECKey.generate_key("P-256", {"kid": name}).as_dict(private=False))


def by(method: str, **columns: Any) -> Company:
    jwks = {"keys": [json.loads(key())]} if method == BY_KEY else None
    return company(auth_method=method, jwks=jwks, **columns)


@pytest.mark.parametrize(("was", "weaker"), [(BY_KEY, BY_SECRET), (BY_KEY, POSTED), (BY_KEY, PUBLIC), (POSTED, PUBLIC)])
def test_a_live_app_gets_no_weaker_authentication(browser: Browser, was: str, weaker: str) -> None:
    here = by(was, is_live=True)
    opens(browser, here.person)
    page = f"{here.page}/credentials"

    browser.posts(page, 409, auth_method=weaker)

    assert f"{weaker} is weaker" in browser.text and "Create a Test app" in browser.text
    assert app_now(here).auth_method == was
    browser.posts(page, 200, auth_method=BY_KEY, jwks=key("two"))
    assert app_now(here).auth_method == BY_KEY


def test_a_test_app_may_change_its_mind(browser: Browser) -> None:
    here = by(BY_KEY)
    opens(browser, here.person)
    browser.posts(f"{here.page}/credentials", 200, auth_method=BY_SECRET)
    assert app_now(here).auth_method == BY_SECRET


def test_an_app_that_waits_to_go_live_stays_as_strong_as_the_operator_read(browser: Browser) -> None:
    here = by(BY_KEY)
    with sessions.begin() as db:
        proposals.ask_live(db, db.get_one(App, here.app.id), here.person.id)
    opens(browser, here.person)
    browser.posts(f"{here.page}/credentials", 409, auth_method=PUBLIC)
    assert "waits to go Live" in browser.text and app_now(here).auth_method == BY_KEY
    browser.posts(f"{here.page}/withdraw", 200)
    browser.posts(f"{here.page}/credentials", 200, auth_method=PUBLIC)


def test_a_live_app_changes_between_equally_strong_methods(browser: Browser) -> None:
    here = by(BY_SECRET, is_live=True)
    opens(browser, here.person)
    browser.posts(f"{here.page}/credentials", 200, auth_method=POSTED)
    assert app_now(here).auth_method == POSTED


def test_no_form_of_a_partner_changes_the_profile(browser: Browser) -> None:
    here = by(BY_KEY, is_live=True, profile="fapi2")
    opens(browser, here.person)
    more = {"profile": "oidc", "auth_method": BY_KEY, "redirect_uris": "https://a.example/", "name": here.app.name}
    for end in ("", "/credentials"):
        browser.posts(here.page + end, 200, **more, jwks=key(), retention="30 days")
    app = app_now(here)
    assert (app.profile, app.redirect_uris) == ("fapi2", ["https://a.example/"])


def test_a_suspended_app_gets_nothing_new_but_ends_what_it_has(browser: Browser) -> None:
    here = by(BY_SECRET, is_live=True)
    with sessions.begin() as db:
        factories.secret(db, here.app)
    stands(here, suspended=True)
    opens(browser, here.person)
    page = f"{here.page}/credentials"

    browser.opens(page)
    assert "Reading Room is suspended: it gets no new secrets, keys or methods" in browser.text
    assert not browser.document.xpath("//button[contains(., 'Make a new secret')]")
    browser.follows("End this secret")
    browser.presses("End this secret")
    for path, sent in ((f"{page}/secrets", {}), (page, {"auth_method": BY_KEY, "jwks": key()})):
        browser.posts(path, 409, **sent)
        assert "Ask us to resume it first" in browser.text
    assert len(secrets(here)) == 1 and app_now(here).auth_method == BY_SECRET

    stands(here, suspended=False)
    browser.posts(f"{page}/secrets", 200)
    assert len(secrets(here)) == 2


def test_a_suspended_partner_is_told_so_and_makes_nothing(browser: Browser, server: ASGIApp) -> None:
    here = by(BY_SECRET)
    opens(browser, here.person)
    with sessions.begin() as db:
        db.get_one(Partner, here.partner.id).suspended_at = now()
    browser.posts(f"{here.page}/credentials/secrets", 403)
    assert f"{here.partner.name} is suspended" in browser.text
    with pytest.raises(apps.CannotChange, match="cannot be changed"), sessions.begin() as db:
        apps.make_secret(db, db.get_one(App, here.app.id), None)
    assert len(secrets(here)) == 1
    with sessions.begin() as db:
        db.get_one(Partner, here.partner.id).suspended_at = None
    browser.posts(f"{here.page}/credentials/secrets", 200)


def test_of_two_secrets_the_page_says_which_is_older_and_ending_one_is_confirmed(browser: Browser) -> None:
    here = by(BY_SECRET)
    opens(browser, here.person)
    page = f"{here.page}/credentials"
    browser.opens(page)
    assert "Older secret" not in browser.text
    browser.presses("Make a new secret")
    newer = browser.value("client-secret")[-4:]
    browser.opens(page)
    assert f"Newer secret ending in {newer}" in browser.text
    assert browser.text.index("Older secret") < browser.text.index("Newer secret")

    browser.follows("End this secret")
    assert "Older secret" in browser.text and newer not in browser.text and "the only secret" not in browser.text
    browser.follows("Keep it")
    assert len(secrets(here)) == 2
    browser.follows("End this secret")
    browser.presses("End this secret")

    assert [row.hint for row in secrets(here)] == [newer]
    browser.follows("End this secret")
    assert "It is the only secret" in browser.text


def test_the_page_says_when_each_secret_was_last_used(browser: Browser, mine: Caller) -> None:
    with sessions.begin() as db:
        factories.secret(db, mine.app)
        person = factories.account(db, name="Dev Lowe")
        db.add(Membership(account_id=person.id, partner_id=mine.app.partner_id, role=PARTNER_USER))
    here = Company(mine.app.partner, mine.app, person)
    used, unused = secrets(here)
    assert used.last_used_at and not unused.last_used_at

    opens(browser, person)
    browser.opens(f"{here.page}/credentials")

    assert browser.text.count("Last used") == browser.text.count("We have noted no use of it yet") == 1
    with sessions.begin() as db:
        db.get_one(AppSecret, used.digest).last_used_at = ahead(-3700)
        AppSecret.mark_used(db, [used.digest])
        AppSecret.mark_used(db, [used.digest, unused.digest])
    again, first = secrets(here)
    assert again.last_used_at and again.last_used_at >= used.last_used_at and first.last_used_at


def test_a_wrong_secret_is_no_use_of_the_right_one(browser: Browser) -> None:
    here = company(is_live=True)
    asked = {"grant_type": "client_credentials", "scope": "partner"}
    with sessions.begin() as db:
        right = factories.secret(db, here.app)
    wrong = browser.client.post("/oauth/token", data=asked, auth=(here.app.client_id, "gh_cs_wrong"))
    assert wrong.status_code == 401 and not any(row.last_used_at for row in secrets(here))
    assert browser.client.post("/oauth/token", data=asked, auth=(here.app.client_id, right)).status_code == 200
    assert [bool(row.last_used_at) for row in secrets(here)] == [False, True]


def test_a_use_that_cannot_be_noted_keeps_no_app_out(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    here = company(is_live=True)
    asked = {"grant_type": "client_credentials", "scope": "partner"}
    with sessions.begin() as db:
        right = factories.secret(db, here.app)

    def away(*_given: Any) -> None:
        raise DatabaseAway("UPDATE", {}, ValueError("disk full"))

    with monkeypatch.context() as held:
        held.setattr(AppSecret, "mark_used", away)
        assert browser.client.post("/oauth/token", data=asked, auth=(here.app.client_id, right)).status_code == 200
    assert not any(row.last_used_at for row in secrets(here))
    assert browser.client.post("/oauth/token", data=asked, auth=(here.app.client_id, right)).status_code == 200
    assert any(row.last_used_at for row in secrets(here))


def test_nobody_elses_secret_is_asked_about_or_ended(browser: Browser) -> None:
    here, other = company(), company("Other")
    name = apps.secret_name(secrets(other)[0])
    opens(browser, here.person)
    for path in (f"{here.page}/credentials/secrets/{name}/end", f"{other.page}/credentials/secrets/{name}/end"):
        browser.opens(path, 404)
        browser.posts(path, 404)
    assert len(secrets(other)) == 1
    browser.opens(f"{here.page}/credentials/keys/{name}/end", 404)
    mine = apps.secret_name(secrets(here)[0])
    browser.opens(f"{here.page}/credentials/secrets/{mine}/end")


def test_what_was_pasted_too_late_is_kept_and_nothing_ends_without_a_proof(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    page, name = f"{here.page}/credentials", apps.secret_name(secrets(here)[0])
    grows_old(here.person)
    pasted = key()
    browser.posts(page, 422, auth_method=BY_KEY, jwks=pasted)
    assert "Enter your password, then press the button again" in browser.text
    for end in (f"/secrets/{name}/end", "/secrets"):
        before = browser.document
        browser.posts(page + end)
        assert browser.title == "Enter your password again"
        browser.document, browser.path = before, page
    assert len(secrets(here)) == 1 and app_now(here).auth_method == BY_SECRET
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Save Changes")
    assert app_now(here).jwks == {"keys": [json.loads(pasted)]}


def stands(here: Company, *, suspended: bool) -> None:
    with sessions.begin() as db:
        db.get_one(App, here.app.id).suspended_at = now() if suspended else None


def secrets(of: Company) -> list[AppSecret]:
    with sessions.read() as db:
        return AppSecret.of_app(db, of.app.id)

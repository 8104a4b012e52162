import io
import json
import uuid

import pytest
from joserfc.jwk import ECKey
from PIL import Image
from starlette.types import ASGIApp

from app import audit
from app.db import sessions
from app.errors import Problem
from app.models.account import OPERATOR_ADMIN
from app.models.base import now
from app.models.partner import App, AppSecret, Partner
from app.models.school import VERIFIED
from app.partners import apps, proposals
from app.secrets import digest
from app.settings import settings
from tests import factories
from tests.oauth.dance import at_once
from tests.pages import Browser
from tests.partners.people import FILLED, app_now, company, opens

PAGES = ("", "/scopes", "/credentials", "/usage", "/check", "/logo")


def test_a_partner_sees_its_pages_and_nobody_else_does(browser: Browser, other_browser: Browser) -> None:
    here, other = company(), company("Other")
    opens(browser, here.person)
    for page in ("/partners", "/partners/card", "/partners/schools", *(here.page + end for end in PAGES)):
        browser.opens(page)
    opens(other_browser, other.person)
    for end in PAGES:
        other_browser.opens(here.page + end, 404)
        other_browser.opens(f"/partners/apps/{uuid.uuid4()}{end}", 404)
    for end in ("", "/scopes", "/live", "/withdraw", "/credentials", "/credentials/secrets"):
        other_browser.posts(here.page + end, 404, **FILLED)
    with sessions.begin() as db:
        admin = factories.admin(db, factories.school(db, status=VERIFIED))
    opens(other_browser, admin)
    other_browser.opens("/partners", 403)
    with sessions.begin() as db:
        db.get_one(Partner, here.partner.id).suspended_at = now()
    browser.opens("/partners", 403)
    with sessions.begin() as db:
        db.get_one(Partner, here.partner.id).suspended_at = None
    browser.opens("/partners")


def test_a_new_app_is_a_test_app_whatever_else_is_posted_and_its_secret_is_shown_once(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    browser.opens("/partners/apps/new")

    browser.posts("/partners/apps/new", 200, **FILLED, is_live="true", client_id="mine", live_at="x", suspended_at="x")

    secret = browser.value("client-secret")
    assert browser.headers["cache-control"] == "no-store"
    with sessions.read() as db:
        made = App.by_client_id(db, browser.value("client-id"))
        assert made and not made.is_live and made.partner_id == here.partner.id
        assert [row.digest for row in AppSecret.of_app(db, made.id)] == [digest(secret)]
        assert audit.verify(db) == []
    browser.opens(f"/partners/apps/{made.id}/credentials")
    assert secret not in browser.text and f"ending in {secret[-4:]}" in browser.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uris": "http://new.example/callback"},
        {"redirect_uris": ""},
        {"initiate_login_uri": "javascript://x"},
        {"purpose-school": ""},
        {"legal_basis-school": ""},
        {"ask-school": "no"},
        {"auth_method": "private_key_jwt"},
        {"auth_method": "private_key_jwt", "jwks": "not json"},
        {"auth_method": "telepathy"},
        {"name": ""},
    ],
)
def test_what_cannot_be_registered_is_shown_again_as_it_was_typed(browser: Browser, wrong: dict[str, str]) -> None:
    here = company()
    opens(browser, here.person)

    browser.posts("/partners/apps/new", 422, **FILLED | {"retention": "kept as typed"} | wrong)

    assert browser.value("retention") == "kept as typed"
    browser.posts("/partners/apps/new", 200, **FILLED)


def test_details_change_and_only_those(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    browser.opens(here.page)
    browser.fills("Name of the app", "Library")
    browser.presses("Save Changes")
    assert "The change holds" in browser.text
    browser.posts(here.page, 200, name="Library", redirect_uris="https://a.example/", profile="oidc", is_live="yes")
    app = app_now(here)
    assert (app.name, app.redirect_uris, app.profile, app.is_live) == (
        "Library",
        ["https://a.example/"],
        "standard",
        False,
    )
    browser.posts(here.page, 400, name="Library", redirect_uris="https://a.example/*")
    assert app_now(here).redirect_uris == ["https://a.example/"]


def test_scopes_of_a_test_app_change_at_once_and_of_a_live_one_by_an_operator(browser: Browser) -> None:
    for live in (False, True):
        here = company(f"App {live}", is_live=live)
        opens(browser, here.person)
        browser.opens(f"{here.page}/scopes")
        more = {"ask-openid": "optional", "purpose-openid": "To sign in", "legal_basis-openid": "6(1)(b)"}
        browser.posts(f"{here.page}/scopes", 200, **FILLED, **more)
        assert app_now(here).asks == (("school",) if live else ("school", "openid"))
    browser.posts(f"{here.page}/scopes", 409, **FILLED)
    browser.opens(here.page)
    browser.presses("Withdraw the request")
    browser.posts(f"{here.page}/scopes", 200, **FILLED)


def test_secrets_rotate_with_two_active_at_most(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    browser.opens(f"{here.page}/credentials")
    browser.presses("Make a new secret")
    assert browser.value("client-secret").startswith("gh_cs_")
    browser.posts(f"{here.page}/credentials/secrets", 409)
    browser.follows("End this secret")
    browser.presses("End this secret")
    browser.posts(f"{here.page}/credentials/secrets/0000000000000000/end", 404)
    browser.opens(f"{here.page}/credentials")
    browser.presses("Make a new secret")


def test_two_secrets_made_at_once_never_exceed_two_active(server: ASGIApp) -> None:
    here = company()

    def make(_number: int) -> bool:
        try:
            with sessions.begin() as db:
                apps.make_secret(db, db.get_one(App, here.app.id), here.person.id)
        except Problem:
            return False
        return True

    assert sum(at_once(4, make)) == 1
    with sessions.read() as db:
        assert len(AppSecret.of_app(db, here.app.id)) == 2


def test_a_logo_is_made_anew_and_shown_to_everybody(browser: Browser, other_browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    picture = io.BytesIO()
    Image.new("RGB", (600, 300), "red").save(picture, "JPEG")
    path, site = f"{here.page}/logo", {"sec-fetch-site": "same-origin"}
    for bad in (b"<svg/>", b"GIF89a", b"\x89PNG\r\n\x1a\n", b""):
        assert browser.client.post(path, files={"file": ("x.png", bad)}, headers=site).status_code == 422
    assert browser.client.post(path, files={"file": ("x", b"x" * 1_100_000)}, headers=site).status_code == 413
    other_browser.opens(f"/partners/logo/{here.app.id}.png", 404)

    assert browser.client.post(path, files={"file": ("../x.svg", picture.getvalue())}, headers=site).status_code == 303

    shown = other_browser.client.get(f"/partners/logo/{here.app.id}.png")
    assert (shown.headers["content-type"], shown.headers["x-content-type-options"]) == ("image/png", "nosniff")
    assert Image.open(io.BytesIO(shown.content)).size == (256, 128)
    browser.opens(path)
    assert browser.document.xpath("//img[@class='gh-trust__logo']")


def test_an_agreement_is_uploaded_and_the_card_leads_to_it(browser: Browser, other_browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    site = {"sec-fetch-site": "same-origin"}
    assert browser.client.post("/partners/agreement", files={"file": ("a", b"x")}, headers=site).status_code == 422
    pdf = b"%PDF-1.7\n%%EOF"
    assert browser.client.post("/partners/agreement", files={"file": ("a", pdf)}, headers=site).status_code == 303
    with sessions.read() as db:
        address = db.get_one(Partner, here.partner.id).agreement_url or ""
    kept = other_browser.client.get("/" + address.split("/", 3)[3])
    assert kept.content == pdf and kept.headers["content-disposition"].startswith("attachment")


def test_the_card_is_checked_and_the_name_stays(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    browser.opens("/partners/card")
    browser.fills("ICO registration number", "nonsense")
    browser.presses("Save Changes", 422)
    browser.posts("/partners/card", 422, website="javascript:alert(1)")
    browser.posts("/partners/card", 200, ico_number="za 123456", name="Other Ltd", breach_contact="privacy@x.example")
    with sessions.read() as db:
        held = db.get_one(Partner, here.partner.id)
    assert (held.ico_number, held.name) == ("ZA123456", here.partner.name)


def test_a_partner_sees_its_schools_and_gives_one_back(browser: Browser, other_browser: Browser) -> None:
    here, other = company(is_live=True), company("Other")
    with sessions.begin() as db:
        school = factories.school(db, status=VERIFIED)
        admin = factories.admin(db, school, name="Secret Person")
        given = factories.authorisation(db, admin, school, here.app)
    opens(browser, here.person)
    browser.opens("/partners/schools")
    assert school.name in browser.text and "Waiting for endpoint" in browser.text
    assert "Secret Person" not in browser.text and admin.email not in browser.text
    opens(other_browser, other.person)
    other_browser.opens(f"/partners/schools/{given.id}", 404)
    other_browser.opens(f"/partners/schools/{given.id}/deauthorise", 404)
    other_browser.posts(f"/partners/schools/{given.id}/deauthorise", 404)

    browser.follows(school.name)
    browser.follows("Deauthorise")
    assert "You cannot undo it" in browser.text
    browser.follows("Keep it")
    assert "Waiting for endpoint" in browser.title
    browser.follows("Deauthorise")
    browser.presses("Deauthorise")

    assert "Returned" in browser.title
    browser.posts(f"/partners/schools/{given.id}/deauthorise")
    browser.opens(f"/partners/schools/{given.id}/deauthorise")
    assert "Returned" in browser.title
    browser.opens("/partners/schools?state=Returned")
    assert school.name in browser.text
    browser.opens("/partners/schools?q=nowhere")
    assert "No school fits" in browser.text


def test_two_operators_who_decide_one_proposal_decide_it_once(server: ASGIApp) -> None:
    here = company()
    with sessions.begin() as db:
        chief = factories.operator(db, OPERATOR_ADMIN)
        asked = proposals.ask_live(db, db.get_one(App, here.app.id), here.person.id)

    def decide(number: int) -> bool:
        try:
            with sessions.begin() as db:
                proposals.decide(db, asked.id, chief.id, number % 2 == 0, "looked at")
        except Problem:
            return False
        return True

    assert sum(at_once(4, decide)) == 1


def test_keys_are_pasted_and_ended_but_never_the_last_one_that_is_needed(browser: Browser) -> None:
    here = company()
    rows = [ECKey.generate_key("P-256", {"kid": name}).as_dict(private=False) for name in ("one", "two")]
    private = ECKey.generate_key("P-256").as_dict(private=True)
    opens(browser, here.person)
    page = f"{here.page}/credentials"
    for bad in ("", "[]", "{", json.dumps({"keys": [private]})):
        browser.posts(page, 400, auth_method="private_key_jwt", jwks=bad)
    browser.posts(page, 200, auth_method="private_key_jwt", jwks=json.dumps({"keys": rows}))
    browser.posts(f"{page}/secrets", 409)
    browser.opens(page)
    browser.follows("End this key")
    assert "with the id one" in browser.text and "with the id two" not in browser.text
    browser.presses("End this key")
    assert [row["kid"] for row in (app_now(here).jwks or {})["keys"]] == ["two"]
    browser.follows("End this key")
    browser.presses("End this key", 409)
    assert app_now(here).jwks


def test_a_live_app_says_since_when_only_where_that_is_known(browser: Browser) -> None:
    for known, words in ((None, "State Live"), (now(), "State Live since")):
        here = company(f"App {bool(known)}", is_live=True, live_at=known)
        opens(browser, here.person)
        browser.opens(here.page)
        assert words in browser.text and ("Live since" in browser.text) == bool(known)
    here = company("App", is_live=False)
    opens(browser, here.person)
    browser.opens(here.page)
    assert "State Test" in browser.text


def test_the_hint_of_a_webhook_offers_plain_http_on_a_practice_copy_only(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = company()
    opens(browser, here.person)
    browser.opens(f"{here.page}/webhooks/new")
    assert "Starts with https://" in browser.text and "http:// to your own machine" in browser.text
    monkeypatch.setattr(settings, "environment", "production")
    browser.opens(f"{here.page}/webhooks/new")
    assert "Starts with https://" in browser.text and "http:// to" not in browser.text

"""Everything that is wrong with a form is said at once, beside its field; what was typed stays."""

from app.db import sessions
from app.models.base import now
from app.models.partner import App
from tests.pages import Browser
from tests.partners.people import FILLED, company, opens
from tests.partners.test_invitations import employee
from tests.sharing.invited import Invited, mails

ALL_WRONG = {
    "name": "",
    "retention": "x" * 201,
    "redirect_uris": "http://a.example/cb https://b.example/*",
    "post_logout_redirect_uris": "javascript:alert(1)",
    "initiate_login_uri": "https://c.example/#here",
    "auth_method": "private_key_jwt",
    "jwks": "not json",
    "purpose-school": "",
    "legal_basis-school": "",
}


def faults(browser: Browser) -> dict[str, str]:
    """The error summary: what each link leads to, and its words."""
    links = browser.document.xpath("//*[contains(@class, 'govuk-error-summary')]//a")
    return {link.get("href").lstrip("#"): link.text_content().strip() for link in links}


def test_a_new_app_hears_of_every_mistake_at_once(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)

    browser.posts("/partners/apps/new", 422, **FILLED | ALL_WRONG)

    assert set(faults(browser)) == {*ALL_WRONG} - {"auth_method"}
    assert "http://a.example/cb must be https" in browser.text and "https://b.example/* has a wildcard" in browser.text
    assert browser.value("initiate_login_uri") == "https://c.example/#here" and "not json" in browser.text
    browser.posts("/partners/apps/new", 200, **FILLED)


def test_a_new_app_without_scopes_or_keys_hears_of_both(browser: Browser) -> None:
    here = company()
    opens(browser, here.person)
    browser.posts("/partners/apps/new", 422, **FILLED | {"ask-school": "no", "profile": "fapi2"})
    assert set(faults(browser)) == {"ask-school", "auth_method"}
    browser.posts("/partners/apps/new", 422, **FILLED | {"name": "see www.x.example", "redirect_uris": ""})
    assert set(faults(browser)) == {"name", "redirect_uris"}
    browser.posts("/partners/apps/new", 200, **FILLED)


INVITATION = {
    "school": "100001",
    "contact_name": "Ada Bright",
    "contact_email": "ada@madeup-primary.sch.example",
    "technical_name": "Tess Cable",
    "technical_email": "tess@madeup-primary.sch.example",
    "reference": "R-7",
    "step": "send",
}
MISTAKEN = {
    "school": "999999",
    "contact_name": "",
    "contact_email": "nobody",
    "technical_name": "123",
    "technical_email": "",
    "reference": "x" * 101,
}


def test_an_invitation_hears_of_every_mistake_at_once_and_nothing_is_sent(browser: Browser) -> None:
    here = Invited(send=False)
    opens(browser, employee(here))
    app = {"app": str(here.app.id), "scopes-openid": "yes"}

    browser.posts("/partners/invitations/new", 422, **INVITATION | MISTAKEN | app)

    assert set(faults(browser)) == {*MISTAKEN}
    for name, typed in MISTAKEN.items():
        assert browser.value(name) == typed or not typed
    assert browser.document.xpath("//input[@name='scopes-openid']/@checked")
    assert "Enter the contact’s name" in browser.text and "Enter the technical contact’s email" in browser.text
    assert mails() == []
    browser.posts("/partners/invitations/new", 200, **INVITATION | app)
    assert browser.title.startswith("Invitation of") and mails()


def test_an_app_that_may_not_invite_is_told_with_the_other_mistakes(browser: Browser) -> None:
    here = Invited(send=False)
    suspend(here, True)
    opens(browser, employee(here))
    app = {"app": str(here.app.id), "contact_email": "nobody"}
    browser.posts("/partners/invitations/new", 422, **INVITATION | app)
    assert "Reading Room is suspended" in browser.text and "contact_email" in faults(browser)
    suspend(here, False)
    browser.posts("/partners/invitations/new", 200, **INVITATION | {"app": str(here.app.id)})


def suspend(here: Invited, suspended: bool) -> None:
    with sessions.begin() as db:
        db.get_one(App, here.app.id).suspended_at = now() if suspended else None

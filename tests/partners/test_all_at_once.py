"""Everything that is wrong with a form is said at once, beside its field; what was typed stays."""

from tests.pages import Browser
from tests.partners.people import FILLED, company, opens

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

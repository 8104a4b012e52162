"""The portal's page about accounts: the SCIM service of an app, and a token that is never shown."""

import pytest

from app.secrets import unseal
from tests.pages import Browser
from tests.partners.people import Company, app_now, company, opens


@pytest.fixture
def here(browser: Browser) -> Company:
    made = company()
    opens(browser, made.person)
    return made


def test_a_partner_sets_its_service_and_nobody_reads_the_token(browser: Browser, here: Company) -> None:
    browser.opens(f"{here.page}/accounts")
    browser.fills("Base address of your SCIM service", "http://127.0.0.1:9/scim/{urn}")
    browser.presses("Save", 422)
    assert "Enter the token" in browser.text
    browser.fills("Base address of your SCIM service", "http://127.0.0.1:9/scim/{urn}")
    browser.fills("Bearer token", "a-secret-token")
    browser.presses("Save")

    assert "go there from now on" in browser.text and "a-secret-token" not in browser.text
    kept = app_now(here)
    assert kept.scim_url == "http://127.0.0.1:9/scim/{urn}"
    assert unseal(kept.scim_token_sealed or "", "scim") == "a-secret-token"

    browser.fills("Base address of your SCIM service", "http://127.0.0.1:9/elsewhere")
    browser.presses("Save", 422)
    assert "Enter the token" in browser.text, "a token goes only where it was given for"
    browser.fills("Base address of your SCIM service", "")
    browser.presses("Save")
    assert (app_now(here).scim_url, app_now(here).scim_token_sealed) == (None, None)


@pytest.mark.parametrize("address", ["https://10.0.0.1/scim", "ftp://partner.example/scim", "https://user@h.example/"])
def test_an_address_that_leads_nowhere_public_is_refused(browser: Browser, here: Company, address: str) -> None:
    browser.opens(f"{here.page}/accounts")
    browser.fills("Base address of your SCIM service", address)
    browser.fills("Bearer token", "a-secret-token")
    browser.presses("Save", 422)
    assert app_now(here).scim_url is None

    browser.fills("Base address of your SCIM service", "http://127.0.0.1:9/scim")
    browser.fills("Bearer token", "a-secret-token")
    browser.presses("Save")
    assert app_now(here).scim_url == "http://127.0.0.1:9/scim"

"""An operator lets an app use the Groupcall-style API, or no longer."""

from pathlib import Path

import pytest

from app import audit
from app.db import sessions
from app.models import event
from app.models.account import APPROVER, CALLER, OPERATOR_ADMIN, Account
from app.models.partner import App
from tests import factories
from tests.oauth.test_apps import run
from tests.pages import Browser
from tests.partners.people import Company, app_now, company, opens
from tests.partners.test_credentials import key
from tests.partners.test_proof import grows_old

ALLOW, END = "Allow the Groupcall-style API", "End the Groupcall-style API"


@pytest.fixture
def chief() -> Account:
    with sessions.begin() as db:
        return factories.operator(db, OPERATOR_ADMIN)


def page_of(here: Company) -> str:
    return f"/onboarding/partners/{here.partner.id}/apps/{here.app.id}"


def test_an_admin_allows_it_and_ends_it_and_both_are_on_record(browser: Browser, chief: Account) -> None:
    here = company()
    opens(browser, chief)
    browser.opens(page_of(here))

    browser.presses(ALLOW)
    assert app_now(here).groupcall_at and "Allowed since" in browser.text
    browser.posts(f"{page_of(here)}/groupcall", 409, groupcall="yes")
    browser.presses(END)

    assert app_now(here).groupcall_at is None
    browser.posts(f"{page_of(here)}/groupcall", 409, groupcall="no")
    with sessions.read() as db:
        assert audit.verify(db) == []
        rows = event.of_subject(db, here.app.id, ("app.groupcall_allowed", "app.groupcall_ended"))
        assert {(row.action, row.actor_id) for row in rows} == {
            ("app.groupcall_allowed", chief.id),
            ("app.groupcall_ended", chief.id),
        }
    browser.presses(ALLOW)
    assert app_now(here).groupcall_at


def test_an_app_of_profile_fapi2_never_may(browser: Browser, chief: Account) -> None:
    strict, usual = company(profile="fapi2", auth_method="private_key_jwt"), company("Usual")
    opens(browser, chief)
    browser.opens(page_of(strict))
    assert "An app of profile fapi2 cannot use it" in browser.text and ALLOW not in browser.text

    browser.posts(f"{page_of(strict)}/groupcall", 409, groupcall="yes")

    assert app_now(strict).groupcall_at is None
    browser.posts(f"{page_of(usual)}/groupcall", 200, groupcall="yes")
    assert app_now(usual).groupcall_at


def test_without_a_fresh_proof_nothing_changes(browser: Browser, chief: Account) -> None:
    here = company()
    opens(browser, chief)
    browser.opens(page_of(here))
    grows_old(chief)

    browser.presses(ALLOW, 422)
    assert app_now(here).groupcall_at is None
    browser.fills("Password", "not the password")
    browser.presses(ALLOW, 422)
    assert app_now(here).groupcall_at is None
    browser.fills("Password", factories.PASSWORD)
    browser.presses(ALLOW)

    assert app_now(here).groupcall_at


@pytest.mark.parametrize("role", [CALLER, APPROVER])
def test_nobody_else_may_allow_it_and_no_app_is_changed_by_way_of_another_partner(
    browser: Browser, chief: Account, role: str
) -> None:
    here, other = company(), company("Other")
    with sessions.begin() as db:
        colleague = factories.operator(db, role)
    for who in (colleague, here.person):
        opens(browser, who)
        browser.posts(f"{page_of(here)}/groupcall", 403, groupcall="yes")
    opens(browser, chief)
    browser.posts(f"/onboarding/partners/{other.partner.id}/apps/{here.app.id}/groupcall", 404, groupcall="yes")

    assert app_now(here).groupcall_at is None
    browser.posts(f"{page_of(here)}/groupcall", 200, groupcall="yes")
    assert app_now(here).groupcall_at


def test_the_command_line_adds_an_app_that_may_and_none_of_profile_fapi2(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(f'{{"keys": [{key()}]}}')
    usual = (
        "app",
        "add",
        "Reading Room Ltd",
        "--redirect-uri",
        "https://a.example/",
        "--scope",
        "school",
        "--groupcall",
    )
    run("partner", "add", "Reading Room Ltd")

    refused = run(*usual, "--profile", "fapi2", "--jwks", str(keys), fails=1)

    assert "cannot use the Groupcall-style API" in refused.stderr
    run(*usual)
    with sessions.read() as db:
        (made,) = db.query(App)
    assert made.groupcall_at

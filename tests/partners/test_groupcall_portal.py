"""A partner says where the secrets of schools go, has a management secret, and sees whether they arrive."""

import datetime as dt
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from standardwebhooks import Webhook

from app import audit
from app.db import sessions
from app.models.account import OPERATOR_ADMIN, Account
from app.models.base import ago, now
from app.models.event import Event
from app.models.partner import App
from app.models.school_secret import HandOver
from app.notify import hand_over
from app.secrets import unseal
from app.settings import settings
from tests import factories
from tests.notify.hook_server import Hook
from tests.oauth.dance import challenge
from tests.pages import Browser
from tests.partners.people import Company, app_now, company, opens
from tests.partners.test_proof import grows_old
from tests.roster.groupcall import TOKEN
from tests.roster.school_data import School as Data
from tests.roster.sending import Sender

SCOPES = ("school", "students")


def allowed(name: str = "Reading Room", **columns: Any) -> Company:
    """Live, and an operator let it use the API; every scope is required."""
    made = company(name, **{"scopes": SCOPES, "is_live": True, "groupcall_at": now()} | columns)
    with sessions.begin() as db:
        for row in db.get_one(App, made.app.id).scopes:
            row.required = True
    return made


def ready(browser: Browser, hook: Hook, here: Company) -> str:
    """Give the address and make the management secret, as its people do; the secret."""
    opens(browser, here.person)
    browser.opens(f"{here.page}/groupcall")
    browser.fills("Authorisation address", hook.url)
    browser.presses("Save the address")
    return makes(browser)


def makes(browser: Browser, words: str = "Make a management secret", button: str = "Make the secret") -> str:
    browser.follows(words)
    browser.presses(button)
    secret = browser.value("management-secret")
    assert browser.headers["cache-control"] == "no-store"
    browser.follows("Continue")
    assert secret not in browser.text and f"ending in {secret[-4:]}" in browser.text
    return secret


def authorises(browser: Browser, school: Sender, here: Company) -> None:
    """The school's Admin agrees, on the pages that the app sends them to."""
    factories.signs_in(browser, school.admin)
    asked = {
        "client_id": here.app.client_id,
        "redirect_uri": here.app.redirect_uris[0],
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "code_challenge": challenge("v" * 50),
        "code_challenge_method": "S256",
    }
    browser.opens(f"/oauth/authorize?{urlencode(asked)}")
    browser.presses("Authorise")
    assert "code=" in browser.left_to


def came(hook: Hook, secret: str) -> dict[str, str]:
    """The form that came last, whose signature an independent library makes too."""
    headers, body = hook.came[-1]
    at = dt.datetime.fromtimestamp(int(headers["webhook-timestamp"]), dt.UTC)
    made = Webhook(secret).sign(headers["webhook-id"], at, body.decode())
    assert headers["webhook-signature"] == made
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def waits() -> int:
    """How many secrets are on their way."""
    with sessions.read() as db:
        return db.query(HandOver).filter(HandOver.next_try_at.is_not(None)).count()


def due_again() -> None:
    with sessions.begin() as db:
        for row in db.query(HandOver).filter(HandOver.next_try_at.is_not(None)):
            row.next_try_at = ago(1)


def test_the_whole_way_from_an_operators_leave_to_pupils(browser: Browser, other_browser: Browser, hook: Hook) -> None:
    here, school = allowed(groupcall_at=None), Sender()
    with sessions.begin() as db:
        chief: Account = factories.operator(db, OPERATOR_ADMIN)
    opens(other_browser, chief)
    other_browser.opens(f"/onboarding/partners/{here.partner.id}/apps/{here.app.id}")
    other_browser.presses("Allow the Groupcall-style API")
    opens(browser, here.person)
    browser.opens(here.page)
    browser.follows("Groupcall-style API")
    assert "No secret has been made yet" in browser.text
    management = ready(browser, hook, here)

    authorises(other_browser, school, here)
    assert hand_over.deliver_due() == 1
    form = came(hook, management)
    assert (form["schoolId"], form["partnerId"], form["scopes"]) == ("8880001", here.app.client_id, "school,students")

    def asks(secret: str) -> Any:
        sent = {"estab": form["schoolId"], "relyingParty": here.app.client_id, "password": secret}
        return browser.client.post(TOKEN, json=sent)

    def pupils(secret: str) -> list[Any]:
        token = {"authorization": f"Idaas {asks(secret).json()['token']}"}
        answer = browser.client.get(f"/api/v1/School/{form['schoolId']}/Students", headers=token)
        assert answer.status_code == 200, answer.text
        rows: list[Any] = answer.json()["Students"]
        return rows

    assert pupils(form["schoolSecret"]) == []
    school.sends(Data().oneroster())
    assert hand_over.deliver_due() == 1, "once more when the first data has arrived"
    newer = came(hook, management)["schoolSecret"]
    assert len(pupils(newer)) == 24 and asks(form["schoolSecret"]).status_code == 401
    school.sends(Data(25).oneroster())
    assert hand_over.deliver_due() == 0 and len(pupils(newer)) == 25

    browser.opens(f"{here.page}/groupcall")
    assert school.school.name in browser.text and browser.text.count("Delivered") == 1


def test_what_has_not_arrived_is_shown_and_sent_anew(browser: Browser, other_browser: Browser, hook: Hook) -> None:
    here, school = allowed(), Sender()
    management = ready(browser, hook, here)
    hook.status = 500
    authorises(other_browser, school, here)
    hand_over.deliver_due()
    browser.opens(f"{here.page}/groupcall")
    assert "Trying again" in browser.text and "Answered 500" in browser.text
    assert "Last taken by your server Never" in browser.text and "Not taken since" in browser.text

    browser.follows("send new secrets of all schools")
    browser.presses("Send new secrets")
    assert "New secrets are on their way" in browser.text and "Trying again" not in browser.text
    hook.status = 204

    assert waits() == 1 and hand_over.deliver_due() == 1
    assert came(hook, management)["schoolSecret"]
    browser.opens(f"{here.page}/groupcall")
    assert browser.text.count(school.school.name) == 1 and "Delivered" in browser.text
    assert "Not taken since" not in browser.text and "server Never" not in browser.text


def test_a_school_that_authorised_before_is_not_forgotten(browser: Browser, other_browser: Browser, hook: Hook) -> None:
    here, school = allowed(), Sender()
    opens(browser, here.person)
    browser.posts(f"{here.page}/groupcall/send", 409)
    assert "Give an address and make a management secret first" in browser.text
    ready(browser, hook, here)
    browser.posts(f"{here.page}/groupcall/send", 409)
    assert "No school lets the app in now" in browser.text
    with sessions.begin() as db:
        db.get_one(App, here.app.id).authorisation_uri = None
    authorises(other_browser, school, here)
    assert hand_over.deliver_due() == 0
    browser.posts(f"{here.page}/groupcall", 200, authorisation_uri=hook.url)

    browser.posts(f"{here.page}/groupcall/send", 200)

    assert hand_over.deliver_due() == 1


def test_a_secret_is_replaced_once_and_signs_what_waits(browser: Browser, other_browser: Browser, hook: Hook) -> None:
    here, school = allowed(), Sender()
    first = ready(browser, hook, here)
    authorises(other_browser, school, here)
    browser.follows("Replace the secret")
    stale = browser.document

    browser.presses("Replace the secret")
    second = browser.value("management-secret")
    browser.document, browser.path = stale, f"{here.page}/groupcall/replace"
    browser.presses("Replace the secret", 409)
    assert "has changed meanwhile" in browser.text and f"ending in {second[-4:]}" in browser.text
    browser.posts(f"{here.page}/groupcall/make", 409)

    assert first != second and unseal(app_now(here).management_sealed or "", "management") == second
    assert hand_over.deliver_due() == 1
    assert came(hook, second)
    with pytest.raises(AssertionError):
        came(hook, first)


def test_an_ended_secret_signs_nothing_any_more(browser: Browser, other_browser: Browser, hook: Hook) -> None:
    here, school = allowed(), Sender()
    ready(browser, hook, here)
    authorises(other_browser, school, here)

    browser.follows("End the secret")
    browser.presses("End the secret")

    assert "The management secret has ended" in browser.text and app_now(here).management_sealed is None
    assert hand_over.deliver_due() == waits() == 0 and not hook.came
    browser.posts(f"{here.page}/groupcall/end", 409)
    secret = makes(browser)
    browser.posts(f"{here.page}/groupcall/send", 200)
    assert hand_over.deliver_due() == 1 and came(hook, secret)


@pytest.mark.parametrize(
    "address", ["http://partner.example/", "https://10.0.0.1/", "https://localhost/x", "x", "ftp://a"]
)
def test_an_address_that_is_none_is_shown_again(
    browser: Browser, hook: Hook, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = allowed()
    opens(browser, here.person)
    with monkeypatch.context() as patched:
        patched.setattr(settings, "environment", "production")
        patched.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.7", 80))])
        answer = browser.client.post(
            f"{here.page}/groupcall", data={"authorisation_uri": address}, headers={"origin": settings.issuer}
        )
    assert answer.status_code == 422 and "Error:" in answer.text
    assert f'value="{address}"' in answer.text.replace("&#x2F;", "/")
    assert app_now(here).authorisation_uri is None

    browser.posts(f"{here.page}/groupcall", 200, authorisation_uri=hook.url)
    assert app_now(here).authorisation_uri == hook.url
    browser.posts(f"{here.page}/groupcall", 200, authorisation_uri="")
    assert app_now(here).authorisation_uri is None and "Nothing is sent any more" in browser.text


def test_an_app_that_may_not_sees_no_link_and_sets_nothing_up(browser: Browser, hook: Hook) -> None:
    for here in (company(), company("Strict", profile="fapi2", auth_method="private_key_jwt", groupcall_at=now())):
        opens(browser, here.person)
        browser.opens(here.page)
        assert "Groupcall" not in browser.text
        browser.opens(f"{here.page}/groupcall")
        assert "This app may not use the Groupcall-style API" in browser.text
        for act in ("/make", "/send"):
            browser.posts(f"{here.page}/groupcall{act}", 409)
        browser.posts(f"{here.page}/groupcall", 409, authorisation_uri=hook.url)
        assert app_now(here).management_sealed is None and app_now(here).authorisation_uri is None

    assert ready(browser, hook, allowed("Third"))


def test_a_suspended_app_gets_nothing_new_but_ends_what_it_has(browser: Browser, hook: Hook) -> None:
    here = allowed()
    ready(browser, hook, here)
    with sessions.begin() as db:
        db.get_one(App, here.app.id).suspended_at = now()
    browser.follows("Replace the secret")
    browser.presses("Replace the secret", 409)
    assert "Reading Room is suspended. Ask us to resume it first" in browser.text
    browser.posts(f"{here.page}/groupcall", 409, authorisation_uri=f"{hook.url}/2")
    browser.posts(f"{here.page}/groupcall", 200, authorisation_uri="")
    browser.follows("End the secret")
    browser.presses("End the secret")
    assert app_now(here).management_sealed is None

    with sessions.begin() as db:
        db.get_one(App, here.app.id).suspended_at = None
    browser.opens(f"{here.page}/groupcall")
    assert makes(browser)


def test_without_a_fresh_proof_nothing_is_changed_and_what_was_typed_stays(browser: Browser, hook: Hook) -> None:
    here = allowed()
    opens(browser, here.person)
    browser.opens(f"{here.page}/groupcall")
    grows_old(here.person)
    for act in ("make", "replace", "end", "send"):
        browser.opens(f"{here.page}/groupcall/{act}")
        assert browser.title == "Enter your password again"
        browser.posts(f"{here.page}/groupcall/{act}")
        assert browser.title == "Enter your password again"
    browser.posts(f"{here.page}/groupcall", 422, authorisation_uri=hook.url)
    assert browser.value("authorisation_uri") == hook.url
    assert app_now(here).management_sealed is None and app_now(here).authorisation_uri is None

    browser.fills("Password", factories.PASSWORD)
    browser.presses("Save the address")
    assert app_now(here).authorisation_uri == hook.url
    assert makes(browser)


def test_another_partners_is_not_there(browser: Browser, other_browser: Browser, hook: Hook) -> None:
    here, other = allowed(), allowed("Other")
    secret = ready(browser, hook, here)
    opens(other_browser, other.person)
    for end in ("", "/make", "/replace", "/end", "/send"):
        other_browser.opens(f"{here.page}/groupcall{end}", 404)
        other_browser.posts(f"{here.page}/groupcall{end}", 404, authorisation_uri="")
    opens(other_browser, Sender().admin)
    other_browser.opens(f"{here.page}/groupcall", 403)

    assert unseal(app_now(here).management_sealed or "", "management") == secret
    browser.opens(f"{here.page}/groupcall")
    assert browser.value("authorisation_uri") == hook.url


def test_each_change_is_on_record_without_the_secret(browser: Browser, other_browser: Browser, hook: Hook) -> None:
    here, school = allowed(), Sender()
    secret = ready(browser, hook, here)
    authorises(other_browser, school, here)
    browser.posts(f"{here.page}/groupcall/send", 200)
    browser.follows("End the secret")
    browser.presses("End the secret")

    with sessions.read() as db:
        assert audit.verify(db) == []
        rows = [row for row in db.query(Event).order_by(Event.number) if row.subject_id == here.app.id]
    assert [row.action for row in rows] == [
        "app.authorisation_address_changed",
        "app.management_secret_made",
        "app.school_secrets_sent",
        "app.management_secret_ended",
    ]
    assert {row.actor_id for row in rows} == {here.person.id}
    assert rows[0].detail == {"host": "127.0.0.1"}
    assert all(secret not in str(row.detail) for row in rows)

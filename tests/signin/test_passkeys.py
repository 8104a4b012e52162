import json
from typing import Any

import pyotp
import pytest
from sqlalchemy import delete, update
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import CODE, Account, SecondStep
from app.models.base import ago
from app.models.passkey import Challenge, Passkey
from tests import factories
from tests.oauth.dance import at_once
from tests.pages import Browser
from tests.signin.authenticator import Device, options
from tests.signin.people import (
    NEW_PASSWORD,
    actions,
    admin,
    fresh_admin,
    mails,
    row_of,
    signs_in,
    types_password,
    without_second_step,
)


def proves(browser: Browser) -> None:
    browser.opens("/account/confirm?next=/account/passkeys")
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Continue")
    assert browser.path == "/account/passkeys"


def adds(browser: Browser, name: str = "Office laptop") -> Device:
    """Somebody signed in adds a passkey on their account page."""
    device = Device()
    proves(browser)
    made = device.makes(options(browser, "register"))
    browser.posts("/account/passkeys", name=name, credential=made)
    assert browser.path == "/account/passkeys?changed=added"
    return device


@pytest.fixture
def owned(browser: Browser) -> tuple[Account, Device]:
    """An Estab Admin with a passkey, signed out again."""
    account = admin()
    signs_in(browser, account)
    device = adds(browser)
    browser.client.cookies.clear()
    return account, device


def alone(browser: Browser, device: Device, status: int = 200, **wrong: Any) -> None:
    browser.posts("/sign-in/passkey", status, credential=device.signs(options(browser, "sign-in"), **wrong))


def test_a_passkey_is_listed_by_its_name_and_told_of(browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    adds(browser, "Laptop in the office")

    assert "Laptop in the office" in browser.text
    assert "Last used Never" in browser.text
    assert actions()[-1] == "account.second_step_added"
    assert "a passkey was added" in mails()[-1]
    with sessions.read() as db:
        (passkey,) = Passkey.of(db, account.id)
        assert passkey.sign_count == 0


def test_a_passkey_alone_signs_in_and_counts_as_two_factors(browser: Browser, owned: tuple[Account, Device]) -> None:
    alone(browser, owned[1])

    assert browser.path == "/school"
    row = row_of(browser)
    assert row and row.methods == ["hwk", "user", "mfa"]


def test_a_passkey_is_the_second_step_after_the_password(browser: Browser, owned: tuple[Account, Device]) -> None:
    account, device = owned
    types_password(browser, account.email)
    assert browser.path == "/sign-in/code"
    asked = options(browser, "second-step")
    assert len(asked["allowCredentials"]) == 1

    browser.posts("/sign-in/code/passkey", credential=device.signs(asked))

    row = row_of(browser)
    assert browser.path == "/school"
    assert row and row.methods == ["pwd", "hwk", "user", "mfa"]


def test_the_first_sign_in_may_set_up_a_passkey_instead_of_the_app(browser: Browser) -> None:
    account, password = fresh_admin()
    types_password(browser, "100001", password)
    browser.fills("New password", NEW_PASSWORD)
    browser.fills("New password again", NEW_PASSWORD)
    browser.presses("Continue")
    assert "Or use a passkey" in browser.text
    device = Device()

    browser.posts("/account/passkeys", 422, credential="{}")
    assert browser.title == "Set up a passkey"
    browser.posts("/account/passkeys", credential=device.makes(options(browser, "register")))

    assert browser.path == "/school"
    browser.client.cookies.clear()
    types_password(browser, "100001", NEW_PASSWORD)
    assert browser.title == "Use your passkey"
    browser.posts("/sign-in/code", 422, code="123456")
    browser.posts("/sign-in/code/passkey", credential=device.signs(options(browser, "second-step")))
    assert browser.path == "/school"
    with sessions.read() as db:
        assert SecondStep.of(db, account.id) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://gatehouse.example.net"},
        {"origin": "http://localhost:8001"},
        {"rp_id": "example.net"},
        {"verified": False},
        {"owner": b"somebody else"},
    ],
    ids=str,
)
def test_what_was_signed_elsewhere_or_without_the_person_is_refused(
    browser: Browser, owned: tuple[Account, Device], wrong: dict[str, Any]
) -> None:
    alone(browser, owned[1], 422, **wrong)
    assert "That passkey was not accepted" in browser.text
    assert row_of(browser) is None

    alone(browser, owned[1])
    assert browser.path == "/school"


@pytest.mark.parametrize("wrong", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"verified": False}])
def test_a_passkey_made_elsewhere_or_without_the_person_is_not_added(browser: Browser, wrong: dict[str, Any]) -> None:
    signs_in(browser, admin())
    proves(browser)
    device = Device()
    browser.posts("/account/passkeys", 422, credential=device.makes(options(browser, "register"), **wrong))
    assert "You have no passkey yet" in browser.text

    browser.posts("/account/passkeys", credential=device.makes(options(browser, "register")))
    assert browser.path == "/account/passkeys?changed=added"


def test_a_challenge_counts_once_even_when_the_signature_was_wrong(
    browser: Browser, owned: tuple[Account, Device]
) -> None:
    device = owned[1]
    asked = options(browser, "sign-in")
    browser.posts("/sign-in/passkey", 422, credential=Device().signs(asked, owner=b""))
    browser.posts("/sign-in/passkey", 422, credential=device.signs(asked))
    signed = device.signs(options(browser, "sign-in"))
    browser.posts("/sign-in/passkey", credential=signed)
    assert browser.path == "/school"
    browser.client.cookies.clear()

    browser.posts("/sign-in/passkey", 422, credential=signed)
    assert "sent twice" in browser.text

    alone(browser, device)
    assert browser.path == "/school"


def test_a_challenge_is_for_one_purpose_and_for_five_minutes(browser: Browser, owned: tuple[Account, Device]) -> None:
    account, device = owned
    types_password(browser, account.email)
    browser.posts("/sign-in/passkey", 422, credential=device.signs(options(browser, "second-step")))
    browser.posts("/sign-in/code/passkey", 422, credential=device.signs(options(browser, "sign-in")))
    asked = options(browser, "second-step")
    with sessions.begin() as db:
        db.execute(update(Challenge).values(expires_at=ago(1)))
    browser.posts("/sign-in/code/passkey", 422, credential=device.signs(asked))
    with sessions.begin() as db:
        assert Challenge.forget(db) == 3

    browser.posts("/sign-in/code/passkey", credential=device.signs(options(browser, "second-step")))
    assert browser.path == "/school"


def test_the_passkey_of_another_account_is_no_second_step(
    browser: Browser, other_browser: Browser, owned: tuple[Account, Device]
) -> None:
    with sessions.begin() as db:
        victim = factories.admin(db, factories.school(db, 100002))
    types_password(other_browser, victim.email)
    theirs = options(other_browser, "second-step")

    other_browser.posts("/sign-in/code/passkey", 422, credential=owned[1].signs(theirs))
    other_browser.posts("/sign-in/code/passkey", 422, credential=owned[1].signs(theirs, owner=victim.id.bytes))
    row = row_of(other_browser)
    assert row and row.step == CODE

    alone(browser, owned[1])
    assert browser.path == "/school"


def test_a_counter_that_goes_backwards_is_refused(browser: Browser, owned: tuple[Account, Device]) -> None:
    alone(browser, owned[1], count=10)
    browser.client.cookies.clear()
    for count in (10, 9, 0):
        alone(browser, owned[1], 422, count=count)

    alone(browser, owned[1], count=11)
    assert browser.path == "/school"


def test_of_eight_that_send_one_signature_one_signs_in(server: ASGIApp, owned: tuple[Account, Device]) -> None:
    browsers = [Browser(server) for _ in range(8)]
    signed = owned[1].signs(options(browsers[0], "sign-in"))

    answers = at_once(8, lambda n: browsers[n].client.post("/sign-in/passkey", data={"credential": signed}).status_code)

    assert sorted(answers) == [303] + [422] * 7


@pytest.mark.parametrize(
    "sent", ["", "{}", "[]", "null", "x" * 5000, '{"id": 1}', "[" * 5000, '{"id":"\\ud800"}', "�"], ids=range(9)
)
def test_what_is_no_credential_is_refused(browser: Browser, owned: tuple[Account, Device], sent: str) -> None:
    browser.posts("/sign-in/passkey", 422, credential=sent)

    alone(browser, owned[1])
    assert browser.path == "/school"


def test_odd_parts_of_a_credential_are_refused(browser: Browser, owned: tuple[Account, Device]) -> None:
    for part in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
        for value in ("", "AAAA", "!", 1, None, "_w"):
            answer = json.loads(owned[1].signs(options(browser, "sign-in")))
            answer["response"][part] = value
            browser.posts("/sign-in/passkey", 422, credential=json.dumps(answer))

    alone(browser, owned[1])
    assert browser.path == "/school"


def test_a_passkey_proves_once_more_who_one_is(browser: Browser, owned: tuple[Account, Device]) -> None:
    alone(browser, owned[1])
    browser.opens("/account/passkeys")
    assert browser.path == "/account/confirm?next=/account/passkeys"
    wrong = owned[1].signs(options(browser, "confirm"), verified=False)
    browser.posts("/account/confirm/passkey", 422, credential=wrong, next="/account/passkeys")

    browser.posts(
        "/account/confirm/passkey", credential=owned[1].signs(options(browser, "confirm")), next="/account/passkeys"
    )

    assert browser.path == "/account/passkeys"


def test_a_passkey_is_removed_but_not_the_last_second_step(browser: Browser, owned: tuple[Account, Device]) -> None:
    account, device = owned
    alone(browser, device)
    browser.posts("/account/confirm/passkey", credential=device.signs(options(browser, "confirm")))
    with sessions.begin() as db:
        db.execute(delete(SecondStep).where(SecondStep.account_id == account.id))
    browser.opens("/account/passkeys")
    browser.presses("Remove Office laptop", 422)
    assert "It is your only second step" in browser.text
    browser.posts("/account/passkeys", credential=Device().makes(options(browser, "register")), name="Key")

    browser.presses("Remove Office laptop")

    assert "The passkey was removed" in browser.text
    assert actions()[-1] == "account.second_step_removed"
    browser.client.cookies.clear()
    alone(browser, device, 422)


def test_of_two_passkeys_removed_at_once_one_stays(browser: Browser, owned: tuple[Account, Device]) -> None:
    account = owned[0]
    with sessions.begin() as db:
        db.execute(delete(SecondStep).where(SecondStep.account_id == account.id))
        db.add(Passkey(account_id=account.id, credential_id=b"2", public_key=b"", name="Two"))
    with sessions.read() as db:
        ids = [passkey.id for passkey in Passkey.of(db, account.id)]

    def removes(number: int) -> bool:
        with sessions.begin() as db:
            return Passkey.remove(db, account.id, ids[number])

    assert sorted(at_once(2, removes)) == [False, True]


def test_somebody_with_a_passkey_alone_adds_the_app(browser: Browser, owned: tuple[Account, Device]) -> None:
    account, device = owned
    with sessions.begin() as db:
        db.execute(delete(SecondStep).where(SecondStep.account_id == account.id))
    alone(browser, device)
    browser.posts("/account/confirm/passkey", credential=device.signs(options(browser, "confirm")))
    browser.opens("/account/authenticator")
    assert browser.title == "Set up your authenticator app"
    browser.fills("Code from your authenticator app", pyotp.TOTP(browser.value("totp-secret")).now())
    browser.presses("Continue")

    assert "Your authenticator app was set up" in browser.text


def test_a_foreign_passkey_is_not_found(browser: Browser, owned: tuple[Account, Device]) -> None:
    with sessions.read() as db:
        foreign = str(Passkey.of(db, owned[0].id)[0].id)
    with sessions.begin() as db:
        other = factories.admin(db, factories.school(db, 100002))
    signs_in(browser, other)
    proves(browser)
    for passkey_id in (foreign, "", "x"):
        browser.posts("/account/passkeys/remove", 404, id=passkey_id)

    browser.client.cookies.clear()
    alone(browser, owned[1])
    assert browser.path == "/school"


def test_steps_cannot_be_skipped(browser: Browser) -> None:
    for purpose in ("second-step", "confirm", "register", "", "else"):
        assert browser.client.post("/passkeys/options", data={"purpose": purpose}).status_code == 404
    account = admin()
    types_password(browser, account.email)
    for purpose in ("confirm", "register"):
        assert browser.client.post("/passkeys/options", data={"purpose": purpose}).status_code == 404
    browser.posts("/account/passkeys", credential="{}")
    assert browser.path == "/sign-in/code"
    browser.posts("/account/confirm/passkey", 401, credential="{}")

    assert options(browser, "second-step")["userVerification"] == "required"


def test_a_passkey_is_added_only_after_proof(browser: Browser) -> None:
    signs_in(browser, admin())
    browser.posts("/account/passkeys", credential=Device().makes(options(browser, "register")))
    assert browser.path == "/account/confirm?next=/account/passkeys"

    adds(browser)


def test_under_a_number_the_page_says_where_passkeys_work(browser: Browser) -> None:
    browser.opens("/sign-in")
    assert "They work at http://localhost:8000/sign-in" in browser.text

    answer = browser.client.get("http://localhost:8000/sign-in")
    assert "Passkeys need JavaScript" in answer.text
    assert "Sign in with a passkey" in answer.text


def test_somebody_without_any_second_step_is_led_to_setting_one_up(browser: Browser) -> None:
    types_password(browser, without_second_step().email)
    assert browser.path == "/account/authenticator"
    assert options(browser, "register")["authenticatorSelection"]["residentKey"] == "required"

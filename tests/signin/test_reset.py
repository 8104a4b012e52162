"""Choosing another password with a texted code."""

import json
import re
import threading
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import Account
from app.models.base import ago, ahead
from app.models.contact import MOBILE, ContactChange, ResetCode
from app.models.outbox import Message
from app.models.school import CLOSED, REJECTED
from app.secrets import digest, unseal
from app.settings import settings
from app.web import throttle
from tests import factories
from tests.pages import Browser
from tests.signin.people import NEW_PASSWORD, actions, admin, fresh_admin, mails, signs_in, types_code, types_password

HEADERS = {"sec-fetch-site": "same-origin", "accept": "text/html"}
OTHER_PASSWORD = "seven purple ladders"


def texts() -> list[tuple[str, str]]:
    """Every text so far, oldest first: the number, and the words."""
    with sessions.read() as db:
        found = db.scalars(select(Message).where(Message.channel == "sms").order_by(Message.created_at, Message.id))
        contents = [json.loads(unseal(message.sealed or "", "outbox")) for message in found]
    return [(content["to"], content["text"]) for content in contents]


def texted() -> str:
    """The newest code."""
    return str(re.findall(r"\b\d{6}\b", texts()[-1][1])[0])


def wrong() -> str:
    return f"{(int(texted()) + 1) % 1_000_000:06}"


def asks(browser: Browser, login: str, status: int = 200) -> None:
    browser.opens("/reset")
    browser.fills("Username or email address", login)
    browser.presses("Continue", status)


def types(browser: Browser, code: str, status: int = 200) -> None:
    browser.fills("Code from the text message", code)
    browser.presses("Continue", status)


def chooses(browser: Browser, password: str = NEW_PASSWORD, status: int = 200) -> None:
    browser.fills("New password", password)
    browser.fills("New password again", password)
    browser.presses("Save Changes", status)


def hash_of(account: Account) -> str:
    with sessions.read() as db:
        return db.get_one(Account, account.id).password_hash


def test_a_new_password_by_a_texted_code_ends_every_session_and_never_skips_the_second_step(
    browser: Browser, other_browser: Browser
) -> None:
    account = admin()
    signs_in(other_browser, account)

    browser.opens("/sign-in")
    browser.follows("I have lost my password")
    browser.fills("Username or email address", account.email)
    browser.presses("Continue")
    assert texts()[0][0] == account.mobile
    code = texted()
    types(browser, f"{code[:3]} {code[3:]}")
    assert browser.path == "/reset/password"
    chooses(browser)

    assert browser.title == "Your password was changed"
    assert "account.password_reset" in actions()
    assert "your password was changed" in mails()[-1]
    other_browser.opens("/account")
    assert other_browser.path.startswith("/sign-in")
    browser.opens("/account")
    assert browser.path.startswith("/sign-in")
    types_password(browser, account.email, NEW_PASSWORD)
    assert browser.path == "/sign-in/code"
    types_code(browser, factories.code(1))
    assert browser.path == "/school"


def test_somebody_who_lost_the_first_password_gets_on_to_setting_up_the_second_step(browser: Browser) -> None:
    account, first = fresh_admin()
    asks(browser, "100001")
    types(browser, texted())
    chooses(browser)

    types_password(browser, "100001", first, 422)
    types_password(browser, "100001", NEW_PASSWORD)
    assert browser.path == "/account/authenticator"
    assert account.username == "100001"


def test_a_first_password_that_ran_out_leads_to_a_reset(browser: Browser) -> None:
    account, first = fresh_admin()
    with sessions.begin() as db:
        db.get_one(Account, account.id).password_expires_at = ago(1)
    types_password(browser, "100001", first, 403)
    browser.follows("choose a password with a code")
    asks(browser, "100001")
    types(browser, texted())
    chooses(browser)

    types_password(browser, "100001", NEW_PASSWORD)
    assert browser.path == "/account/authenticator"


def test_the_answer_is_the_same_for_everybody(server: ASGIApp) -> None:
    with sessions.begin() as db:
        known = factories.admin(db, factories.school(db))
        gone = factories.admin(db, factories.school(db, 100002), ended_at=ago(5))
        rejected = factories.admin(db, factories.school(db, 100003, REJECTED))
        closed = factories.admin(db, factories.school(db, 100004, CLOSED))
        foreign = factories.admin(db, factories.school(db, 100005), mobile="+33612345678")
        premium = factories.admin(db, factories.school(db, 100006), mobile="+449011234567")
        without = factories.admin(db, factories.school(db, 100007), mobile=None)
        twice = [factories.admin(db, factories.school(db, urn), email="a@b.example") for urn in (100008, 100009)]

    def answers(login: str) -> list[Any]:
        client = TestClient(server, base_url=settings.issuer, headers=HEADERS, follow_redirects=False)
        seen: list[Any] = []
        for path, sent in (("/reset", {"login": login}), ("/reset/code", {"code": "12345"})):
            answer = client.post(path, data=sent)
            volatile = {"set-cookie", "content-length", "x-request-id", "content-security-policy"}
            headers = {name: value for name, value in answer.headers.items() if name not in volatile}
            body = re.sub(r"[0-9a-f]{16,}", "", answer.text)
            seen.append((answer.status_code, headers, body))
        return seen

    usual = answers("nobody@nowhere.example")
    for account in (gone, rejected, closed, foreign, premium, without, twice[0]):
        assert answers(account.email) == usual
    assert texts() == []

    assert answers(known.email) == usual
    assert [to for to, _ in texts()] == [known.mobile]
    assert answers(twice[1].username or "") == usual
    assert len(texts()) == 2


def test_what_follows_is_done_after_the_answer_has_left(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.signin import reset

    account, seen = admin(), []
    monkeypatch.setattr(reset, "_send", lambda *given: seen.append(given))
    asks(browser, account.email)
    asks(browser, "nobody@nowhere.example")

    assert [given[0] for given in seen] == [account.email, "nobody@nowhere.example"]


def test_steps_out_of_order_lead_back_to_the_first(browser: Browser, other_browser: Browser) -> None:
    account = admin()
    before = hash_of(account)
    both = {"new_password": NEW_PASSWORD, "new_password_again": NEW_PASSWORD}
    for path in ("/reset/code", "/reset/password"):
        browser.opens(path)
        assert browser.path == "/reset"
    browser.posts("/reset/code", code="123456")
    assert browser.path == "/reset"
    asks(browser, account.email)
    browser.posts("/reset/password", 200, **both)
    assert browser.path == "/reset" and hash_of(account) == before

    code = texted()
    asks(other_browser, "nobody@nowhere.example")
    types(other_browser, code, 422)
    browser.opens("/reset/code")
    types(browser, code)
    chooses(browser)
    browser.posts("/reset/password", 200, **both)
    assert browser.path == "/reset"
    assert hash_of(account) != before


def test_five_wrong_tries_kill_a_code_and_ten_minutes_do(browser: Browser) -> None:
    account = admin()
    asks(browser, account.email)
    code, other = texted(), wrong()
    for _ in range(5):
        types(browser, other, 422)
    types(browser, code, 422)

    asks(browser, account.email)
    with sessions.begin() as db:
        db.execute(update(ResetCode).values(expires_at=ago(1)))
    types(browser, texted(), 422)

    with sessions.begin() as db:
        db.execute(update(ResetCode).values(created_at=ago(3700)))
    asks(browser, account.email)
    types(browser, wrong(), 422)
    types(browser, texted())
    assert browser.path == "/reset/password"


def test_a_newer_code_of_the_browser_is_the_only_one_and_a_right_one_works_once(browser: Browser) -> None:
    account = admin()
    asks(browser, account.email)
    first = texted()
    asks(browser, account.email)
    second = texted()
    if first != second:
        types(browser, first, 422)
    types(browser, second)
    browser.opens("/reset/code")
    types(browser, second, 422)


def test_a_number_gets_no_more_than_three_texts_an_hour_and_the_last_only_on_a_known_device(
    server: ASGIApp, browser: Browser
) -> None:
    account = admin()
    signs_in(browser, account)
    browser.presses("Sign out")
    for _ in range(5):
        with Browser(server) as stranger:
            asks(stranger, account.email)
    assert len(texts()) == 2

    asks(browser, account.email)
    assert len(texts()) == 3
    types(browser, texted())
    chooses(browser)
    asks(browser, account.email)
    assert len(texts()) == 3

    with sessions.begin() as db:
        db.execute(update(ResetCode).values(created_at=ago(3601)))
    asks(browser, account.email)
    assert len(texts()) == 4


def test_nobody_elsewhere_keeps_a_known_device_from_resetting(server: ASGIApp, browser: Browser) -> None:
    account = admin()
    signs_in(browser, account)
    browser.presses("Sign out")
    client = TestClient(server, base_url=settings.issuer, headers=HEADERS, follow_redirects=False)
    statuses = [client.post("/reset", data={"login": account.email}).status_code for _ in range(12)]
    assert statuses == [303] * 10 + [429] * 2
    for _ in range(10):
        client.post("/reset/code", data={"code": "1"})
    assert client.post("/reset/code", data={"code": "1"}).status_code == 429

    asks(browser, account.email)
    types(browser, texted())
    chooses(browser)
    assert browser.title == "Your password was changed"


def test_one_network_asks_a_hundred_times_an_hour(server: ASGIApp, browser: Browser) -> None:
    client = TestClient(server, base_url=settings.issuer, headers=HEADERS, follow_redirects=False)
    statuses = [client.post("/reset", data={"login": f"{number}@x.example"}).status_code for number in range(102)]
    assert statuses == [303] * 100 + [429] * 2

    throttle.forget_all()
    asks(browser, admin().email)
    assert len(texts()) == 1


def test_a_number_that_is_new_gets_no_code_until_a_day_has_passed(browser: Browser) -> None:
    account = admin()
    with sessions.begin() as db:
        change = ContactChange(
            account_id=account.id,
            kind=MOBILE,
            before="+447400123450",
            after="+447400123456",
            proof_digest=b"1",
            stop_digest=b"2",
            expires_at=ahead(600),
            proved_at=ago(60),
            takes_effect_at=ago(1),
            ended_at=ago(1),
            outcome="done",
        )
        db.add(change)
    asks(browser, account.email)
    assert texts() == []

    with sessions.begin() as db:
        db.get_one(ContactChange, change.id).ended_at = ago(settings.contact_change_seconds + 1)
    asks(browser, account.email)
    assert len(texts()) == 1


def test_what_is_wrong_with_a_password_is_said_and_the_code_is_not_lost(browser: Browser) -> None:
    account = admin()
    asks(browser, account.email)
    types(browser, texted())
    chooses(browser, "short", 422)
    assert "Use 8 characters or more" in browser.text
    chooses(browser, "iloveyou1", 422)
    chooses(browser)
    types_password(browser, account.email, NEW_PASSWORD)
    assert browser.path == "/sign-in/code"


def test_an_empty_login_is_asked_for_again(browser: Browser) -> None:
    asks(browser, "", 422)
    assert "Enter your username or email address" in browser.text
    asks(browser, admin().email)
    assert browser.path == "/reset/code"


def test_a_school_that_closes_meanwhile_has_nobody_who_comes_back(browser: Browser) -> None:
    account = admin()
    asks(browser, account.email)
    types(browser, texted())
    with sessions.begin() as db:
        from app.models.school import School

        school = db.scalars(select(School)).one()
        school.status = CLOSED
    chooses(browser)
    assert browser.path == "/reset" and hash_of(account) == account.password_hash

    with sessions.begin() as db:
        db.get_one(School, school.id).status = "Unverified"
    browser.opens("/reset/password")
    chooses(browser)
    assert browser.title == "Your password was changed"


def test_of_eight_who_use_one_code_at_once_one_chooses_the_password(server: ASGIApp, browser: Browser) -> None:
    account = admin()
    asks(browser, account.email)
    code, cookie = texted(), dict(browser.client.cookies)
    clients = [
        TestClient(server, base_url=settings.issuer, headers=HEADERS, cookies=cookie, follow_redirects=False)
        for _ in range(8)
    ]

    def at_once(path: str, sent: list[dict[str, str]], who: list[TestClient]) -> list[Any]:
        found: list[Any] = [None] * len(who)
        barrier = threading.Barrier(len(who))

        def go(number: int) -> None:
            barrier.wait()
            found[number] = who[number].post(path, data=sent[number])

        threads = [threading.Thread(target=go, args=(number,)) for number in range(len(who))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    answers = at_once("/reset/code", [{"code": code}] * 8, clients)
    won = [number for number, answer in enumerate(answers) if answer.status_code == 303]
    assert len(won) == 1

    cookie = dict(answers[won[0]].cookies)
    clients = [
        TestClient(server, base_url=settings.issuer, headers=HEADERS, cookies=cookie, follow_redirects=False)
        for _ in range(8)
    ]
    words = [f"{OTHER_PASSWORD} {number}" for number in range(8)]
    sent = [{"new_password": word, "new_password_again": word} for word in words]
    answers = at_once("/reset/password", sent, clients)
    assert [answer.headers["location"] for answer in answers].count("/reset/done") == 1
    with sessions.read() as db:
        assert db.scalars(select(ResetCode)).one().used_at is not None
    assert actions().count("account.password_reset") == 1


def test_the_database_alone_gives_no_code_away(browser: Browser) -> None:
    asks(browser, admin().email)
    with sessions.read() as db:
        stored = db.scalars(select(ResetCode)).one().code_digest
    assert stored != digest(texted())
    types(browser, texted())

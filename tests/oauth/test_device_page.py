"""protocol.md 68, the page: what is typed, who may answer, and what is a miss."""

from typing import Any

import pytest

from app.db import sessions
from app.models import event
from app.models.account import IT
from app.models.endpoint import Endpoint
from app.models.school import School
from app.web import throttle
from tests import factories
from tests.oauth.agents import Agent
from tests.oauth.dance import refusal, signs_in
from tests.pages import Browser
from tests.signin.people import mails


def test_68_refusing_tells_the_agent_and_needs_no_password(agent: Agent) -> None:
    agent.starts()
    agent.types()
    agent.browser.presses("Refuse")
    assert agent.browser.title == "The agent was refused"
    assert refusal(agent.polls()) == (400, "access_denied")
    agent.types(status=422)
    with sessions.read() as db:
        assert db.query(Endpoint).count() == 0
        assert [row.action for row in event.of_school(db, agent.school.id)] == ["endpoint.refused"]
    agent.tokens()


def test_68_ten_wrong_second_halves_kill_a_request(agent: Agent) -> None:
    agent.starts()
    first, second = agent.user_code.split("-")
    wrong = f"{first}-{'BCDF' if second != 'BCDF' else 'FDCB'}"
    for _ in range(9):
        agent.types(wrong, 422)
    assert refusal(agent.polls()) == (400, "authorization_pending")
    agent.types(wrong, 422)
    agent.types(status=422)
    assert refusal(agent.polls()) == (400, "access_denied")
    agent.tokens()


def test_68_wrong_passwords_are_misses_too(agent: Agent) -> None:
    agent.starts()
    agent.types()
    for _ in range(9):
        agent.approves("wrong password", 422)
        assert "That is not your password now" in agent.browser.text
    assert agent.row().misses == 9
    agent.approves("wrong password", 422)
    assert refusal(agent.polls()) == (400, "access_denied")
    throttle.forget_all()
    agent.approves(status=422)
    assert "not waiting any more" in agent.browser.text
    agent.tokens()


def test_68_trying_first_halves_is_stopped_for_the_account(agent: Agent) -> None:
    agent.starts()
    for _ in range(10):
        agent.types(("BCDF" if not agent.user_code.startswith("BCDF") else "CCDF") + "BCDF", 422)
    agent.types(status=429)
    assert agent.row().misses == 0
    throttle.forget_all()
    agent.types()
    agent.approves()
    assert agent.polls().status_code == 200


def test_68_the_code_is_typed_in_any_manner_but_never_taken_from_the_address(agent: Agent) -> None:
    agent.starts()
    agent.browser.opens(f"/device?user_code={agent.user_code}")
    assert agent.browser.title == "Connect a Gatehouse agent"
    assert agent.user_code not in agent.browser.document.text_content()
    assert agent.browser.value("user_code") == ""
    for typed in ("", "BCDF", "AEIO-UAEI", "BCDF-GHJKL", "12345678", "x" * 5000):
        agent.types(typed or " ", 422)
        assert "Enter the eight letters" in agent.browser.text
    agent.types(f" {agent.user_code.lower().replace('-', ' ')} ")
    agent.browser.opens("/device")
    agent.types(agent.user_code.replace("-", ""))
    agent.approves()
    assert agent.polls().status_code == 200


@pytest.mark.parametrize("role", ["DPO", "Read-only"])
def test_68_others_are_told_whom_to_ask(agent: Agent, role: str) -> None:
    agent.starts()
    with sessions.begin() as db:
        colleague, helper = factories.admin(db, agent.school, role), factories.admin(db, agent.school, IT)
        operator = factories.operator(db, "admin")
    for who in (colleague, operator):
        signs_in(agent.browser, who)
        agent.browser.opens("/device", 403)
        assert agent.browser.title == "Ask your Estab Admin"
        agent.browser.posts("/device", 403, user_code=agent.user_code)
        agent.browser.posts("/device/answer", 403, decision="approve", password=factories.PASSWORD)
    assert refusal(agent.polls()) == (400, "authorization_pending")
    signs_in(agent.browser, helper)
    agent.types()
    agent.approves()
    assert agent.polls().status_code == 200


def test_68_nobody_answers_for_a_code_that_they_did_not_type(agent: Agent, other_browser: Browser) -> None:
    agent.starts()
    agent.types()
    carried = agent.browser.document.xpath("//input[@name='waiting']/@value")[0]
    with sessions.begin() as db:
        other = factories.admin(db, factories.school(db, 100002, "Verified"))
        colleague = factories.admin(db, agent.school)
    for who in (other, colleague):
        signs_in(other_browser, who)
        for waiting in (carried, carried[:-1], "", str(agent.row().id)):
            sent = {"waiting": waiting, "decision": "approve", "password": factories.PASSWORD}
            other_browser.posts("/device/answer", 422, **sent)
    assert refusal(agent.polls()) == (400, "authorization_pending")
    agent.approves()
    assert agent.polls().status_code == 200


@pytest.mark.parametrize("status", ["Suspended", "Closed", "Rejected"])
def test_68_a_school_out_of_good_standing_lets_nobody_in(agent: Agent, status: str) -> None:
    tokens = agent.tokens()
    agent.starts()
    agent.types()
    with sessions.begin() as db:
        assert db.get_one(School, agent.school.id).move(db, "Verified", status)
    agent.approves(status=409)
    assert status in agent.browser.text
    assert refusal(agent.polls()) == (400, "authorization_pending")
    assert refusal(agent.refreshes(tokens["refresh_token"])) == (400, "invalid_grant")
    with sessions.begin() as db:
        assert db.get_one(School, agent.school.id).move(db, status, "Verified")
    agent.types()
    agent.approves()
    assert agent.polls().status_code == 200
    assert agent.refreshes(tokens["refresh_token"]).status_code == 200


def test_68_of_a_yes_and_a_no_at_the_same_moment_one_counts(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.oauth import device_page

    agent.starts()
    agent.types()

    def knows_and_is_late(*_: Any) -> bool:
        with sessions.begin() as db:
            assert agent.row().refuse(db)
        return True

    with monkeypatch.context() as patched:
        patched.setattr(device_page, "knows_password", knows_and_is_late)
        agent.approves(status=422)
    assert "not waiting any more" in agent.browser.text
    assert refusal(agent.polls()) == (400, "access_denied")
    with sessions.read() as db:
        assert db.query(Endpoint).count() == 0
    agent.tokens()


def test_68_a_post_from_another_site_approves_nothing(agent: Agent) -> None:
    agent.starts()
    agent.types()
    carried = agent.browser.document.xpath("//input[@name='waiting']/@value")[0]
    sent = {"waiting": carried, "decision": "approve", "password": factories.PASSWORD}
    for path in ("/device", "/device/answer"):
        assert agent.browser.client.post(path, data=sent, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert refusal(agent.polls()) == (400, "authorization_pending")
    agent.approves()
    assert agent.polls().status_code == 200


def test_68_the_admins_are_told_by_mail_whatever_the_machine_calls_itself(agent: Agent) -> None:
    agent.tokens()
    assert "Name of the server: SIMS-SERVER" in mails()[-1]
    code = agent.asks(machine="ring 0900 111 111 now http://e.example").json()["user_code"]
    agent.types(code)
    assert "ring 0900" in agent.browser.text
    agent.approves()
    assert "0900" not in mails()[-1] and "left out" in mails()[-1]

"""protocol.md 66 and security.md b: storage that fails at any call. The answer is 503, nothing has changed, and the
same request succeeds once storage is back."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.types import ASGIApp

from app import ledger
from app.db import sessions
from app.models.partner import AppSecret
from app.oauth import store
from app.roster.shapes import BASE
from app.secrets import digest
from tests.faults.storage import WAYS, Failing, away, failing, rows
from tests.faults.world import approve
from tests.oauth.agents import Agent
from tests.oauth.dance import Dance, refusal
from tests.oauth.oidc import signs_in_to, site
from tests.oauth.proofs import Keyed, brings, pushed, pushes
from tests.pages import Browser

Call = Callable[[], Any]
"""A request that can be sent again and again."""


@pytest.fixture
def dance(server: ASGIApp, browser: Browser) -> Dance:
    made = approved(Dance(server, browser))
    with sessions.begin() as db:  # that a secret was used is noted once an hour, and that alone may fail unseen
        AppSecret.mark_used(db, [digest(made.secret)])
    return made


@pytest.fixture
def failure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Failing]:
    monkeypatch.setattr(store, "KEPT_SECONDS", 0.0)
    ledger.drain()
    monkeypatch.setattr(ledger._writer, "write", lambda: 0)  # it works at its own time: see tests/ledger
    with failing() as made:
        yield made


def approved(dance: Dance) -> Dance:
    with sessions.begin() as db:
        approve(db, dance.school)
    return dance


def fails_at_each(failure: Failing, call: Call, success: int, kind: str = "application/json") -> Any:
    """Let every single call to the database fail in every way, and then none; the answer to that."""
    failures = 0
    for nth in itertools.count(1):
        for way in WAYS:
            before = rows()
            with failure.at(nth, way):
                answered = call()
            if not failure.has_failed:
                assert failures and answered.status_code == success, (failures, answered.text)
                return answered
            failures += 1
            assert answered.status_code == 503, (nth, way, answered.status_code, answered.text[:300])
            assert int(answered.headers["retry-after"]) > 0
            assert answered.headers["content-type"].startswith(kind)
            assert "location" not in answered.headers and 'token"' not in answered.text
            assert rows() == before, f"call {nth} failed, {way}, and something was written"
    raise AssertionError


def presses(browser: Browser, words: str) -> Call:
    """What pressing this button sends, to be sent again and again."""
    sent: list[tuple[Any, Any]] = []

    def note(*given: Any, **named: Any) -> Any:
        sent.append((given, named))
        raise InterruptedError

    with pytest.MonkeyPatch.context() as held:
        held.setattr(browser.client, "request", note)
        with pytest.raises(InterruptedError):
            browser.presses(words)
    [(given, named)] = sent
    return lambda: browser.client.request(*given, **named)


def test_66_an_exchange(dance: Dance, failure: Failing) -> None:
    code = dance.code()
    answered = fails_at_each(failure, lambda: dance.redeems(code), 200)
    assert dance.reads(answered.json()["access_token"]).status_code == 200


def test_66_an_exchange_with_an_assertion_and_a_proof(server: ASGIApp, browser: Browser, failure: Failing) -> None:
    dance = Keyed(server, browser)
    approved(dance)
    code = dance.code()
    answered = fails_at_each(failure, lambda: dance.redeems(code, headers=dance.signer.proves()), 200)
    assert answered.json()["token_type"] == "DPoP"


def test_66_a_refresh(dance: Dance, failure: Failing) -> None:
    token = dance.tokens()["refresh_token"]
    answered = fails_at_each(failure, lambda: dance.refreshes(token), 200)
    assert dance.reads(answered.json()["access_token"]).status_code == 200


def test_66_a_replay_that_ends_a_family_ends_it_or_is_not_answered(dance: Dance, failure: Failing) -> None:
    code = dance.code()
    token = dance.redeems(code).json()["access_token"]
    assert refusal(fails_at_each(failure, lambda: dance.redeems(code), 400)) == (400, "invalid_grant")
    assert dance.reads(token).status_code == 401


def test_66_client_credentials_with_an_assertion(server: ASGIApp, browser: Browser, failure: Failing) -> None:
    dance = Keyed(server, browser)
    approved(dance)
    fails_at_each(failure, lambda: dance.posts({"grant_type": "client_credentials"}), 200)


def test_66_a_push(dance: Dance, failure: Failing) -> None:
    fails_at_each(failure, lambda: pushes(dance), 201)


def test_66_an_authorization_request(dance: Dance, failure: Failing) -> None:
    fails_at_each(failure, dance.asks, 303, "text/html")


def test_66_a_pushed_request_that_is_presented(dance: Dance, failure: Failing) -> None:
    dance.signs_in()
    brought = brings(dance, pushed(dance))
    answered = fails_at_each(
        failure, lambda: dance.browser.client.get("/oauth/authorize", params=brought), 303, "text/html"
    )
    assert "error" not in answered.headers["location"]


def test_66_the_page_that_asks_for_the_decision(dance: Dance, failure: Failing) -> None:
    dance.signs_in()
    dance.opens()
    path = dance.browser.path
    fails_at_each(failure, lambda: dance.browser.client.get(path), 200, "text/html")


def test_66_a_decision(dance: Dance, failure: Failing) -> None:
    dance.signs_in()
    dance.opens()
    answered = fails_at_each(failure, presses(dance.browser, "Authorise"), 303, "text/html")
    code = answered.headers["location"].partition("code=")[2].partition("&")[0]
    assert dance.redeems(code).status_code == 200


def test_66_a_silent_request(dance: Dance, failure: Failing) -> None:
    dance.tokens()
    answered = fails_at_each(failure, lambda: dance.asks(prompt="none"), 303, "text/html")
    assert "code=" in answered.headers["location"]


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_66_an_introspection_and_a_revocation(dance: Dance, failure: Failing, which: str) -> None:
    held = dance.tokens()
    sent = {"token": held[which]}
    said = fails_at_each(failure, lambda: dance.posts(sent, path="/oauth/introspect"), 200)
    assert said.json()["active"] is True
    fails_at_each(failure, lambda: dance.posts(sent, path="/oauth/revoke"), 200, "application/json")
    assert dance.posts(sent, path="/oauth/introspect").json() == {"active": False}


def test_66_a_data_call(dance: Dance, failure: Failing) -> None:
    bearer = {"authorization": f"Bearer {dance.tokens()['access_token']}"}

    def call() -> Any:
        return dance.programs.get(f"{BASE}/schools", headers=bearer)

    answered = fails_at_each(failure, call, 200)
    assert len(answered.json()["orgs"]) == 1


def test_66_who_somebody_is(server: ASGIApp, browser: Browser, failure: Failing) -> None:
    dance = approved(site(server, browser))
    dance.signs_in()
    bearer = {"authorization": f"Bearer {signs_in_to(dance)['access_token']}"}
    fails_at_each(failure, lambda: dance.programs.get("/oauth/userinfo", headers=bearer), 200)


def test_66_an_agent_from_its_question_to_its_tokens(server: ASGIApp, browser: Browser, failure: Failing) -> None:
    agent = Agent(server, browser)
    with sessions.begin() as db:
        approve(db, agent.school)
    asked = fails_at_each(failure, agent.asks, 200)
    agent.device_code, agent.user_code = (asked.json()[name] for name in ("device_code", "user_code"))
    browser.opens("/device")
    browser.fills("Code", agent.user_code)
    fails_at_each(failure, presses(browser, "Continue"), 200, "text/html")
    agent.types()
    browser.fills("Your password", "correct horse battery")
    fails_at_each(failure, presses(browser, "Approve"), 200, "text/html")
    pair = fails_at_each(failure, agent.polls, 200).json()
    fails_at_each(failure, lambda: agent.refreshes(pair["refresh_token"]), 200)


def test_66_a_token_is_believed_no_longer_than_its_state_is_kept(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    token = dance.tokens()["access_token"]
    clock = [100.0]
    monkeypatch.setattr(store, "clock", lambda: clock[0])
    assert dance.reads(token).status_code == 200
    with monkeypatch.context() as broken:
        broken.setattr(store._access_tokens._read, "_open_unit", away)
        assert dance.reads(token).status_code == 200
        clock[0] += 0.81
        refused = dance.reads(token)
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
    assert dance.reads(token).status_code == 200


def test_an_unexpected_failure_is_a_500_that_tells_nothing(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    code = dance.code()
    with monkeypatch.context() as broken:
        broken.setattr("app.oauth.store._find_clients", None)
        broken.setattr(store._clients, "_read", None)
        store._clients._kept.clear()
        answered = dance.redeems(code)
        assert refusal(answered) == (500, "server_error")
        assert "NoneType" not in answered.text
    assert dance.redeems(code).status_code == 200

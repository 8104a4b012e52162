"""protocol.md 68: an agent asks, an Estab Admin types its code and answers, the agent gets tokens bound to its key."""

import json
import re
from typing import Any

import pytest
from sqlalchemy import update
from starlette.types import ASGIApp

from app.db import sessions
from app.models import event
from app.models.account import IT
from app.models.base import ago
from app.models.endpoint import DeviceRequest, Endpoint
from app.models.school import School
from app.models.token import Token
from app.oauth import device
from app.oauth.device import ALPHABET, CLIENT_ID, GRANT
from app.settings import settings
from app.web import throttle
from tests import factories
from tests.oauth.agents import Agent
from tests.oauth.dance import Dance, at_once, refusal, signs_in
from tests.oauth.proofs import Signer
from tests.pages import Browser
from tests.signin.people import mails


@pytest.fixture
def agent(server: ASGIApp, browser: Browser) -> Agent:
    return Agent(server, browser)


def later(seconds: float) -> None:
    """As if the last poll were that long ago."""
    with sessions.begin() as db:
        db.execute(update(DeviceRequest).values(polled_at=ago(seconds)))


def test_68_an_agent_is_given_a_code_to_show_and_never_a_link_that_holds_it(agent: Agent) -> None:
    answered = agent.asks()

    body = answered.json()
    assert (answered.status_code, answered.headers["cache-control"]) == (200, "no-store")
    assert set(body) == {"device_code", "user_code", "verification_uri", "expires_in", "interval"}
    assert re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", body["user_code"])
    assert body["verification_uri"] == f"{settings.issuer}/device"
    assert (body["expires_in"], body["interval"]) == (900, 5)
    stored = repr([vars(agent.row()), vars(agent.row())["jwk"]])
    assert body["device_code"] not in stored and body["user_code"].replace("-", "") not in stored


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_68_a_typed_and_approved_code_brings_tokens_bound_to_the_agents_key(agent: Agent, algorithm: str) -> None:
    agent.signer = Signer(algorithm)
    agent.starts()
    assert refusal(agent.polls()) == (400, "authorization_pending")

    agent.types()
    for words in ("SIMS-SERVER", "testclient", agent.signer.thumbprint, agent.school.name, "URN 100001"):
        assert words in agent.browser.text
    agent.approves()
    assert agent.browser.title == "The agent is connected"
    answered = agent.polls()

    body = answered.json()
    assert (answered.status_code, answered.headers["cache-control"]) == (200, "no-store")
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("DPoP", 600, "endpoint")
    assert body["school"]["urn"] == 100001
    with sessions.read() as db:
        [endpoint] = db.query(Endpoint).all()
        tokens = db.query(Token).all()
        [told] = event.of_school(db, agent.school.id)
    assert (str(endpoint.id), endpoint.machine, endpoint.enrolled_by) == (
        body["endpoint_id"],
        "SIMS-SERVER",
        agent.admin.id,
    )
    assert {token.key_thumbprint for token in tokens} == {agent.signer.thumbprint}
    assert {(token.app_id, token.authorisation_id, token.endpoint_id) for token in tokens} == {
        (None, None, endpoint.id)
    }
    assert (told.action, told.subject_id, told.actor_id) == ("endpoint.enrolled", endpoint.id, agent.admin.id)


def test_68_tokens_are_handed_out_once_and_only_to_the_key_that_asked(agent: Agent) -> None:
    agent.starts()
    agent.types()
    agent.approves()

    assert refusal(agent.polls(proof=False)) == (400, "invalid_dpop_proof")
    assert refusal(agent.polls(Signer())) == (400, "invalid_dpop_proof")
    statuses = sorted(answered.status_code for answered in at_once(8, lambda _: agent.polls()))

    assert statuses == [200] + [400] * 7
    assert refusal(agent.polls()) == (400, "invalid_grant")


def test_68_polling_too_fast_slows_down_for_good(agent: Agent) -> None:
    agent.starts()
    assert refusal(agent.polls()) == (400, "authorization_pending")
    assert refusal(agent.polls()) == (400, "slow_down")
    later(7)
    assert refusal(agent.polls()) == (400, "slow_down"), "ten seconds from the first slow_down on"
    later(15)
    assert refusal(agent.polls()) == (400, "authorization_pending")
    agent.types()
    agent.approves()
    assert agent.polls().status_code == 200


def test_68_a_code_expires_and_an_expired_one_cannot_be_approved(agent: Agent) -> None:
    agent.starts()
    with sessions.begin() as db:
        db.execute(update(DeviceRequest).values(expires_at=ago(1)))
    assert refusal(agent.polls()) == (400, "expired_token")
    agent.types(status=422)
    assert "No agent is waiting with this code" in agent.browser.text
    agent.tokens()


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


@pytest.mark.parametrize(
    "machine",
    [None, "", " ", "x" * 101, "A\nB", "A\x07", "A\u202eB"],
    ids=["absent", "", "blank", "101", "lf", "bel", "bidi"],
)
def test_68_the_machine_has_a_printable_name(agent: Agent, machine: str | None) -> None:
    assert refusal(agent.asks(machine=machine)) == (400, "invalid_request")
    assert agent.asks(machine="Büro-Server 2 " + "x" * 80).status_code == 200


def spoiled(**members: Any) -> str:
    return json.dumps(Signer().public | members)


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        "",
        "x",
        "[]",
        "null",
        "1",
        '{"kty":"oct","k":"AAAA"}',
        json.dumps(Signer("RS256").public),
        json.dumps(Signer().key.as_dict(private=True)),
        spoiled(crv="P-384"),
        spoiled(x="AAAA"),
        spoiled(y="A" * 43),
        spoiled(kty=7),
        spoiled(use="enc"),
        spoiled(alg="HS256"),
        json.dumps(Signer().public)[:-1] + ', "kty": "EC"}',
        "[" * 5000,
        json.dumps(Signer().public) + " " * 2000,
    ],
    ids=range(18),
)
def test_68_the_key_is_a_public_one_of_a_kind_that_we_take(agent: Agent, jwk: str | None) -> None:
    assert refusal(agent.asks(jwk=jwk)) == (400, "invalid_request")
    assert agent.asks().status_code == 200


def test_68_only_the_agent_that_is_built_in_may_ask(server: ASGIApp, browser: Browser) -> None:
    agent, dance = Agent(server, browser), Dance(server, browser, urn=100002)
    assert refusal(agent.asks(client_id=dance.app.client_id)) == (400, "unauthorized_client")
    assert refusal(agent.asks(client_id=None)) == (400, "invalid_request")
    assert refusal(agent.asks(client_secret="s")) == (401, "invalid_client")
    agent.starts()
    asked = {"grant_type": GRANT, "device_code": agent.device_code}
    assert refusal(dance.posts(asked)) == (400, "unauthorized_client")
    for grant in ("authorization_code", "client_credentials"):
        assert refusal(agent.polls(grant_type=grant)) == (400, "unauthorized_client")
    assert refusal(agent.polls(grant_type="password")) == (400, "unsupported_grant_type")
    assert refusal(agent.polls(client_secret="s")) == (401, "invalid_client")
    assert refusal(agent.polls(device_code=agent.device_code[:-1])) == (400, "invalid_grant")
    assert refusal(agent.polls(device_code=None)) == (400, "invalid_request")
    assert refusal(agent.polls(scope="school")) == (400, "invalid_scope")
    assert refusal(agent.polls(resource="https://other.example")) == (400, "invalid_target")
    assert refusal(agent.polls()) == (400, "authorization_pending")


def test_68_a_flood_from_one_network_is_stopped(agent: Agent) -> None:
    for _ in range(30):
        assert agent.asks().status_code == 200
    flooded = agent.asks()
    assert refusal(flooded)[0] == 429 and int(flooded.headers["retry-after"]) > 0
    throttle.forget_all()
    assert agent.asks().status_code == 200


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


def test_two_live_requests_never_share_a_first_half(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter(["BBBBCCCC", "BBBBDDDD", "CCCCDDDD", "BBBBFFFF"])
    monkeypatch.setattr(device, "_letters", lambda: next(codes))
    assert agent.asks().json()["user_code"] == "BBBB-CCCC"
    assert agent.asks().json()["user_code"] == "CCCC-DDDD"
    with sessions.begin() as db:
        db.execute(update(DeviceRequest).values(expires_at=ago(1)))
    assert agent.asks().json()["user_code"] == "BBBB-FFFF"
    assert CLIENT_ID == "gatehouse-agent"

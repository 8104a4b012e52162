"""protocol.md 68: an agent asks, an Estab Admin types its code and answers, the agent gets tokens bound to its key."""

import json
import re
from typing import Any

import pytest
from sqlalchemy import update
from starlette.types import ASGIApp

from app.db import sessions
from app.models import event
from app.models.base import ago
from app.models.endpoint import DeviceRequest, Endpoint
from app.models.token import Token
from app.oauth import device
from app.oauth.device import ALPHABET, CLIENT_ID, GRANT
from app.settings import settings
from app.web import throttle
from tests.oauth.agents import Agent
from tests.oauth.dance import Dance, at_once, refusal
from tests.oauth.proofs import Signer
from tests.pages import Browser


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
    for words in (
        "SIMS-SERVER",
        "testclient",
        " ".join(re.findall(".{1,4}", agent.signer.thumbprint)),
        agent.school.name,
        "URN 100001",
    ):
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


def test_two_live_requests_never_share_a_first_half(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter(["BBBBCCCC", "BBBBDDDD", "CCCCDDDD", "BBBBFFFF"])
    monkeypatch.setattr(device, "_letters", lambda: next(codes))
    assert agent.asks().json()["user_code"] == "BBBB-CCCC"
    assert agent.asks().json()["user_code"] == "CCCC-DDDD"
    with sessions.begin() as db:
        db.execute(update(DeviceRequest).values(expires_at=ago(1)))
    assert agent.asks().json()["user_code"] == "BBBB-FFFF"
    assert CLIENT_ID == "gatehouse-agent"

"""What an agent's tokens open, and when they end. protocol.md 68, 51."""

from typing import Any

import pytest
from fastapi import FastAPI, Request
from sqlalchemy import update
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.db import sessions, withdrawn
from app.models.base import ago
from app.models.endpoint import Endpoint
from app.models.school import School
from app.models.token import Token
from app.oauth.bearer import read_endpoint
from app.settings import settings
from app.signin import session
from app.web import errors
from app.web.guard import Guard
from tests.oauth.agents import Agent
from tests.oauth.dance import DATA, Dance, refusal
from tests.oauth.proofs import Signer
from tests.pages import Browser


def _agents_routes() -> TestClient:
    app = FastAPI()
    errors.install(app, session.known)

    @app.get("/data")
    async def data(request: Request) -> dict[str, str]:
        access = await read_endpoint(request)
        return {"endpoint": str(access.endpoint_id), "school": str(access.school_id)}

    return TestClient(Guard(app), base_url=settings.issuer)


OURS = _agents_routes()


def calls(agent: Agent, token: str, signer: Signer | None = None, routes: TestClient = OURS) -> Any:
    return routes.get("/data", headers={"authorization": f"DPoP {token}"} | (signer or agent.signer).proves(token))


def test_68_an_agents_token_names_the_agent_and_its_school_and_opens_no_data(agent: Agent) -> None:
    tokens = agent.tokens()
    assert calls(agent, tokens["access_token"], routes=DATA).status_code in (401, 403)
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert OURS.get("/data", headers=bearer).status_code == 401
    assert calls(agent, tokens["access_token"], Signer()).status_code == 401
    assert calls(agent, tokens["refresh_token"]).status_code == 401
    assert calls(agent, tokens["access_token"]).json() == {
        "endpoint": tokens["endpoint_id"],
        "school": str(agent.school.id),
    }


def test_68_an_agent_refreshes_with_the_same_key_and_keeps_its_refresh_token(agent: Agent) -> None:
    refresh = agent.tokens()["refresh_token"]
    assert refusal(agent.refreshes(refresh, proof=False)) == (400, "invalid_dpop_proof")
    assert refusal(agent.refreshes(refresh, Signer())) == (400, "invalid_grant")
    assert refusal(agent.refreshes(refresh, scope="school")) == (400, "invalid_scope")
    assert refusal(agent.refreshes(refresh[:-1])) == (400, "invalid_grant")
    for _ in range(3):
        body = agent.refreshes(refresh).json()
        assert (body["token_type"], body["scope"], body["expires_in"]) == ("DPoP", "endpoint", 600)
        assert calls(agent, body["access_token"]).status_code == 200


def test_an_apps_token_is_not_an_agents_and_the_other_way_round(server: ASGIApp, browser: Browser) -> None:
    agent, dance = Agent(server, browser), Dance(server, browser, urn=100002)
    tokens, theirs = agent.tokens(), dance.tokens()
    bearer = {"authorization": f"Bearer {theirs['access_token']}"}
    assert OURS.get("/data", headers=bearer).status_code == 403
    assert refusal(agent.refreshes(theirs["refresh_token"])) == (400, "invalid_grant")
    assert refusal(dance.refreshes(tokens["refresh_token"])) == (400, "invalid_grant")
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert dance.posts({"token": token}, path="/oauth/introspect").json() == {"active": False}
        dance.posts({"token": token}, path="/oauth/revoke")
    assert calls(agent, tokens["access_token"]).status_code == 200
    assert agent.refreshes(tokens["refresh_token"]).status_code == 200
    assert dance.refreshes(theirs["refresh_token"]).status_code == 200


def test_68_an_agent_that_the_school_removed_is_out_at_once(agent: Agent) -> None:
    tokens = agent.tokens()
    assert calls(agent, tokens["access_token"]).status_code == 200
    with sessions.begin() as db:
        endpoint = db.query(Endpoint).one()
        assert endpoint.end(db)
        assert not endpoint.end(db)
    assert calls(agent, tokens["access_token"]).status_code == 401
    assert refusal(agent.refreshes(tokens["refresh_token"])) == (400, "invalid_grant")
    with sessions.begin() as db:  # as if the tokens themselves had not been ended
        db.execute(update(Token).values(ended_at=None))
        withdrawn(db)
    assert "removed this agent" in calls(agent, tokens["access_token"]).json()["error_description"]
    assert refusal(agent.refreshes(tokens["refresh_token"])) == (400, "invalid_grant")
    assert calls(agent, agent.tokens()["access_token"]).status_code == 200


@pytest.mark.parametrize("status", ["Suspended", "Closed", "Rejected"])
def test_68_an_agent_stands_and_falls_with_its_school(agent: Agent, status: str) -> None:
    token = agent.tokens()["access_token"]
    with sessions.begin() as db:
        assert db.get_one(School, agent.school.id).move(db, "Verified", status)
    answered = calls(agent, token)
    assert answered.status_code == 401 and status in answered.json()["error_description"]
    with sessions.begin() as db:
        assert db.get_one(School, agent.school.id).move(db, status, "Verified")
    assert calls(agent, token).status_code == 200


def test_an_agents_access_token_expires(agent: Agent) -> None:
    tokens = agent.tokens()
    with sessions.begin() as db:
        db.execute(update(Token).where(Token.purpose == "access").values(expires_at=ago(1)))
    assert calls(agent, tokens["access_token"]).status_code == 401
    assert calls(agent, agent.refreshes(tokens["refresh_token"]).json()["access_token"]).status_code == 200

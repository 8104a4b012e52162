"""security.md 5: whatever is taken away, wherever it was done, nothing that rests on it works a second later.

The whole table: each withdrawal against each right. A right that a row does not name goes on as before, and a second
school with a second app notices nothing.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update
from starlette.types import ASGIApp

from app.db import Session, sessions
from app.models.account import Account, Membership
from app.models.account import Session as SignIn
from app.models.authorisation import REVOKED, Authorisation
from app.models.base import ago, now
from app.models.endpoint import Endpoint
from app.models.partner import App, AppSecret, Partner
from app.models.school import School
from app.models.token import AuthorizationCode, Token
from app.oauth import store
from tests.oauth.agents import Agent
from tests.oauth.dance import DATA, Dance
from tests.oauth.oidc import agrees, signs_in_to, silent, site, userinfo
from tests.oauth.proofs import Signer
from tests.oauth.test_agent_tokens import OURS as AGENTS
from tests.oauth.test_client_credentials import PARTNER
from tests.oauth.test_client_credentials import token as partner_token
from tests.pages import Browser

SCOPES = ("school", "openid", "profile")
ASKED = "school openid profile"


@dataclasses.dataclass
class Tenant:
    """A school, an app, an agent, and one of each right."""

    dance: Dance
    agent: Agent
    key: Signer
    held: dict[str, Any]


Change = Callable[[Session], Any]


def row(kind: type[Any], *which: Any, **values: Any) -> Change:
    """The change of a row by SQL alone."""
    return lambda db: db.execute(update(kind).where(*which).values(**values))


def tenant(server: ASGIApp, browser: Browser, other_browser: Browser, urn: int) -> Tenant:
    dance = site(server, browser, urn=urn, scopes=SCOPES, name=f"App {urn}")
    agent = Agent(server, other_browser, urn=urn + 1)
    key = Signer()
    agrees(dance, *SCOPES)
    dance.signs_in()
    tokens = redeemed(dance)
    return Tenant(
        dance,
        agent,
        key,
        {
            "tokens": tokens,
            "bound": redeemed(dance, headers=key.proves())["access_token"],
            "spare": redeemed(dance)["refresh_token"],
            "code": silent(dance, scope=ASKED)["code"],
            "identity": signs_in_to(dance)["access_token"],
            "identity code": silent(dance)["code"],
            "partner": partner_token(dance),
            "agent": agent.tokens(),
        },
    )


def redeemed(dance: Dance, **how: Any) -> dict[str, Any]:
    answered = dance.redeems(silent(dance, scope=ASKED)["code"], **how)
    assert answered.status_code == 200, answered.text
    body: dict[str, Any] = answered.json()
    return body


def said(answered: Any) -> str:
    """`200`, or the status and code of a refusal."""
    if answered.status_code == 200:
        return "200"
    return f"{answered.status_code} {answered.json()['error']}"


def opens(tenant: Tenant, token: str) -> str:
    return said(tenant.dance.reads(token))


def introspected(tenant: Tenant, token: str) -> str:
    answered = tenant.dance.posts({"token": token}, path="/oauth/introspect")
    if answered.status_code != 200:
        return said(answered)
    body = answered.json()
    assert body["active"] or body == {"active": False}
    return str(body.get("authorisation_status", "active") if body["active"] else "inactive")


def without_a_page(tenant: Tenant, scope: str) -> str:
    answered = tenant.dance.asks(prompt="none", scope=scope)
    if answered.status_code == 400:
        return "page"
    brought = parse_qs(urlsplit(answered.headers["location"]).query)
    return "code" if "code" in brought else brought["error"][0]


def renewed(tenant: Tenant, answered: Any) -> str:
    """Tokens that are made now open no more than the old ones."""
    return (
        said(answered) if answered.status_code != 200 else f"200, data {opens(tenant, answered.json()['access_token'])}"
    )


def named(tenant: Tenant) -> str:
    answered = userinfo(tenant.dance, tenant.held["tokens"]["access_token"])
    return " ".join(sorted(answered.json())) if answered.status_code == 200 else said(answered)


RIGHTS: dict[str, Callable[[Tenant], str]] = {
    "data": lambda one: opens(one, one.held["tokens"]["access_token"]),
    "data, bound": lambda one: said(DATA.get("/data", headers=one.key.proves(one.held["bound"]))),
    "userinfo": named,
    "userinfo, identity": lambda one: said(userinfo(one.dance, one.held["identity"])),
    "introspection": lambda one: introspected(one, one.held["tokens"]["access_token"]),
    "introspection, refresh token": lambda one: introspected(one, one.held["tokens"]["refresh_token"]),
    "refresh": lambda one: renewed(one, one.dance.refreshes(one.held["tokens"]["refresh_token"])),
    "refresh with a proof": lambda one: said(one.dance.refreshes(one.held["spare"], headers=Signer().proves())),
    "code": lambda one: renewed(one, one.dance.redeems(one.held["code"])),
    "identity code": lambda one: said(one.dance.redeems(one.held["identity code"])),
    "partner API": lambda one: said(PARTNER.get("/data", headers={"authorization": f"Bearer {one.held['partner']}"})),
    "partner token": lambda one: said(one.dance.posts({"grant_type": "client_credentials"})),
    "prompt=none": lambda one: without_a_page(one, "school"),
    "prompt=none, identity": lambda one: without_a_page(one, "openid"),
    "agent": lambda one: said(AGENTS.get("/data", headers=one.agent.signer.proves(one.held["agent"]["access_token"]))),
    "agent's refresh": lambda one: said(one.agent.refreshes(one.held["agent"]["refresh_token"])),
}
ALIVE = dict.fromkeys(RIGHTS, "200") | {
    "userinfo": "name sub",
    "introspection": "active",
    "introspection, refresh token": "active",
    "refresh": "200, data 200",
    "code": "200, data 200",
    "prompt=none": "code",
    "prompt=none, identity": "code",
}
DATA_DEAD = {
    **dict.fromkeys(("data", "data, bound", "userinfo"), "401 invalid_token"),
    **dict.fromkeys(("introspection", "introspection, refresh token"), "inactive"),
    **dict.fromkeys(("refresh", "refresh with a proof", "code"), "400 invalid_grant"),
    "prompt=none": "consent_required",
}
APP_DEAD = {
    **dict.fromkeys(("data", "data, bound", "userinfo", "userinfo, identity", "partner API"), "401 invalid_token"),
    **dict.fromkeys(("introspection", "introspection, refresh token", "refresh", "code"), "401 invalid_client"),
    **dict.fromkeys(("refresh with a proof", "identity code", "partner token"), "401 invalid_client"),
    **dict.fromkeys(("prompt=none", "prompt=none, identity"), "page"),
}
WAITING = {
    **dict.fromkeys(("refresh", "code"), "200, data 403 {}"),
    **dict.fromkeys(("data", "data, bound"), "403 {}"),
}


def waiting(error: str, **more: str) -> dict[str, str]:
    """Tokens go on and data wait."""
    return {right: outcome.format(error) for right, outcome in WAITING.items()} | more


Withdrawal = tuple[Callable[[Tenant], Change], dict[str, str]]


def school(status: str) -> Withdrawal:
    return lambda one: row(School, School.id == one.dance.school.id, status=status), DATA_DEAD


def given(**values: Any) -> Callable[[Tenant], Change]:
    return lambda one: row(Authorisation, Authorisation.school_id == one.dance.school.id, **values)


def person(kind: type[Any], **values: Any) -> Callable[[Tenant], Change]:
    key = kind.id if kind is Account else kind.account_id
    return lambda one: row(kind, key == one.dance.admin.id, **values)


CLIENT_LOST = {right: "401 invalid_client" for right in APP_DEAD if APP_DEAD[right] == "401 invalid_client"}
LATER = now().date() + dt.timedelta(days=2)  # the table is made once, and midnight may come before its use
WITHDRAWALS: dict[str, Withdrawal] = {
    "authorisation revoked": (given(ended_at=now(), end_reason=REVOKED), DATA_DEAD),
    "authorisation expired": (given(expires_at=ago(1)), DATA_DEAD),
    "authorisation paused": (
        given(paused_at=now(), resumes_on=LATER),
        waiting("authorisation_paused", userinfo="sub")
        | {"introspection": "paused", "introspection, refresh token": "paused"},
    ),
    "authorisation narrowed": (
        given(scopes=["openid"]),
        waiting("insufficient_scope", userinfo="sub") | {"prompt=none": "consent_required"},
    ),
    "school unverified again": (
        lambda one: row(School, School.id == one.dance.school.id, status="Unverified"),
        waiting("school_unverified", userinfo="sub"),
    ),
    "school suspended": school("Suspended"),
    "school closed": school("Closed"),
    "school rejected": school("Rejected"),
    "app suspended": (lambda one: row(App, App.id == one.dance.app.id, suspended_at=now()), APP_DEAD),
    "partner suspended": (
        lambda one: row(Partner, Partner.id == one.dance.app.partner_id, suspended_at=now()),
        APP_DEAD,
    ),
    "client secret ended": (
        lambda one: row(AppSecret, AppSecret.app_id == one.dance.app.id, ended_at=now()),
        CLIENT_LOST,
    ),
    "tokens ended": (
        lambda one: row(Token, Token.app_id == one.dance.app.id, ended_at=now()),
        {right: DATA_DEAD[right] for right in DATA_DEAD if right not in ("code", "prompt=none")}
        | {"userinfo, identity": "401 invalid_token"},
    ),
    "codes spent": (
        lambda one: row(AuthorizationCode, AuthorizationCode.app_id == one.dance.app.id, used_at=now()),
        {"code": "400 invalid_grant", "identity code": "400 invalid_grant"},
    ),
    "admin removed": (person(Membership, ended_at=now()), {"prompt=none": "consent_required"}),
    "admin made a reader": (person(Membership, role="Read-only"), {"prompt=none": "consent_required"}),
    "account ended": (
        person(Account, ended_at=now()),
        {
            "userinfo": "401 invalid_token",
            "userinfo, identity": "401 invalid_token",
            "identity code": "400 invalid_grant",
            "prompt=none": "login_required",
            "prompt=none, identity": "login_required",
        },
    ),
    "signed out": (
        person(SignIn, ended_at=now()),
        dict.fromkeys(("prompt=none", "prompt=none, identity"), "login_required"),
    ),
    "agent removed": (
        lambda one: row(Endpoint, Endpoint.school_id == one.agent.school.id, ended_at=now()),
        {"agent": "401 invalid_token", "agent's refresh": "400 invalid_grant"},
    ),
    "agent's school suspended": (
        lambda one: row(School, School.id == one.agent.school.id, status="Suspended"),
        {"agent": "401 invalid_token", "agent's refresh": "400 invalid_grant"},
    ),
}


@pytest.mark.parametrize("what", WITHDRAWALS)
def test_55_60_nothing_that_was_withdrawn_elsewhere_works_a_second_later(
    server: ASGIApp, browser: Browser, other_browser: Browser, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    clock = [1e6]
    monkeypatch.setattr(store, "clock", lambda: clock[0])
    with Browser(server) as third, Browser(server) as fourth:
        neighbour = tenant(server, third, fourth, 200001)
        mine = tenant(server, browser, other_browser, 100001)
        for right in ("data", "data, bound", "userinfo", "userinfo, identity", "partner API", "agent"):
            assert RIGHTS[right](mine) == ALIVE[right], f"{right} before"
        change, gone = WITHDRAWALS[what]
        with sessions.begin() as db:  # as another process would: nothing tells this one
            change(mine)(db)
        clock[0] += 0.81
        assert {right: found(mine) for right, found in RIGHTS.items()} == ALIVE | gone
        assert {right: found(neighbour) for right, found in RIGHTS.items()} == ALIVE

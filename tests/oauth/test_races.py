"""Several processes at one database, where grants change and agents are let in: every call has its own transaction."""

from typing import Any

from starlette.types import ASGIApp

from app.db import sessions
from app.models.authorisation import Authorisation
from app.models.endpoint import DeviceRequest, Endpoint
from app.models.invariants import faults
from app.models.token import AuthorizationCode, Token
from app.oauth import authorization_code, device, refresh_token
from app.oauth.authorization_code import Redemption
from app.oauth.device import Collecting
from app.oauth.refresh_token import Refresh
from app.secrets import digest
from tests import factories
from tests.oauth.agents import Agent
from tests.oauth.dance import CALLBACK, Dance, at_once
from tests.oauth.test_two_workers import alone, client
from tests.pages import Browser

WIDE, NARROW = ["school", "students"], ["school"]


def test_no_token_outgrows_a_grant_that_is_narrowed_while_codes_and_tokens_are_exchanged(
    server: ASGIApp, browser: Browser, more_scopes: None
) -> None:
    dance = Dance(server, browser, scopes=tuple(WIDE))
    with sessions.begin() as db:
        given = factories.authorisation(db, dance.admin, dance.school, dance.app, tuple(WIDE))
    who = client(dance)

    def prepare(number: int) -> Any:
        name = digest(f"code {number}")
        with sessions.begin() as db:
            shared = {"app_id": dance.app.id, "account_id": dance.admin.id, "authorisation_id": given.id}
            moments = {"signed_in_at": given.granted_at, "expires_at": given.expires_at}
            scope = " ".join(WIDE)
            db.add(AuthorizationCode(digest=name, redirect_uri=CALLBACK, scope=scope, **shared, **moments))
        return Redemption(name, who, CALLBACK, None, None)

    calls = [prepare(number) for number in range(8)]

    def act(number: int) -> Any:
        if number % 2:
            with sessions.begin() as db:
                found = db.get_one(Authorisation, given.id)
                return found.change(db, NARROW, found.expires_at)
        issued = alone(authorization_code._exchange, calls[number // 2])
        token = issued.refresh_token
        return alone(refresh_token._exchange, Refresh(digest(token), who, token, None, None))

    at_once(16, act)

    with sessions.read() as db:
        assert [fault for fault in faults(db) if "scope" in fault] == []
        assert {token.scope for token in db.query(Token).all() if not token.ended_at} == {"school"}
        assert db.query(Token).count() >= 16


def test_68_a_device_code_is_collected_once_whoever_asks(server: ASGIApp, browser: Browser) -> None:
    agent = Agent(server, browser)
    agent.starts()
    agent.types()
    agent.approves()
    call = Collecting(digest(agent.device_code), agent.signer.thumbprint)

    answers = at_once(12, lambda _: alone(device._collect, call))

    assert sum(isinstance(answer, dict) for answer in answers) == 1
    with sessions.read() as db:
        assert db.query(Token).count() == 2


def test_68_of_many_answers_one_counts_and_of_misses_every_one(server: ASGIApp, browser: Browser) -> None:
    agent = Agent(server, browser)
    agent.starts()
    waiting = agent.row()

    def misses(_number: int) -> None:
        with sessions.begin() as db:
            waiting.miss(db)

    def answers(number: int) -> bool:
        with sessions.begin() as db:
            if number % 2:
                return waiting.refuse(db)
            made = Endpoint(
                school_id=agent.school.id,
                machine="",
                address="",
                key_thumbprint=waiting.key_thumbprint,
                enrolled_by=agent.admin.id,
            )
            db.add(made)
            db.flush()
            return waiting.approve(db, made)

    at_once(9, misses)
    assert agent.row().misses == 9
    assert sum(at_once(10, answers)) == 1
    with sessions.read() as db:
        row = db.query(DeviceRequest).one()
    assert (row.ended_at is None) != (row.endpoint_id is None)

"""The auditor: quiet over a sound world, and it names each thing that must never be."""

import uuid
from typing import Any

import pytest

from app.db import sessions
from app.models.account import Account
from app.models.account import Session as SignIn
from app.models.authorisation import Authorisation
from app.models.base import ago, ahead, new_id, now
from app.models.endpoint import DeviceRequest, Endpoint
from app.models.invariants import faults
from app.models.outbox import Message
from app.models.school import CLOSED, VERIFIED, Registration, School
from app.models.token import ACCESS, REFRESH, AuthorizationCode, Token
from app.models.verification import APPROVED, Verification
from app.secrets import seal
from tests import factories


@pytest.fixture
def world() -> dict[type[Any], Any]:
    """A verified school that authorised an app, a used code with its tokens, a message and a session."""
    with sessions.begin() as db:
        school = factories.school(db, status=VERIFIED)
        admin = factories.admin(db, school)
        caller, approver = factories.operator(db, "caller"), factories.operator(db, "approver")
        case = Verification.of_school(db, school.id)
        assert case is not None
        case.state, case.confirmed_by, case.decided_by = APPROVED, caller.id, approver.id
        app, _ = factories.app(db)
        authorisation = factories.authorisation(db, admin, school, app)
        shared = {"app_id": app.id, "account_id": admin.id, "authorisation_id": authorisation.id, "scope": "school"}
        dated = {"expires_at": ahead(60)}
        address = {"redirect_uri": "https://partner.example/callback", "signed_in_at": now()}
        code = AuthorizationCode(digest=b"code", family=new_id(), used_at=now(), **shared, **dated, **address)
        access = Token(digest=b"access", purpose=ACCESS, family=code.family, **shared, **dated)
        refresh = Token(digest=b"refresh", purpose=REFRESH, family=code.family, **shared, **dated)
        agent = Endpoint(
            school_id=school.id, machine="SERVER", address="", key_thumbprint="k" * 43, enrolled_by=admin.id
        )
        db.add(agent)
        db.flush()
        asked = DeviceRequest(
            device_digest=b"device",
            first_half="BCDF",
            second_digest=b"BCDFGHJK",
            machine=agent.machine,
            address="",
            jwk={},
            key_thumbprint=agent.key_thumbprint,
            endpoint_id=agent.id,
            ended_at=now(),
            **dated,
        )
        agents = Token(
            digest=b"agents", purpose=ACCESS, family=new_id(), endpoint_id=agent.id, scope="endpoint", **dated
        )
        message = Message(channel="email", sealed=seal("{}", "outbox"))
        session = SignIn(digest=b"session", account_id=admin.id, step="done", expires_at=ahead(60))
        claim = Registration(
            urn=school.urn, name="Sam", email="sam@a.example", mobile="", completed_at=now(), school_id=school.id
        )
        rows = (
            school,
            admin,
            case,
            authorisation,
            agent,
            asked,
            agents,
            code,
            access,
            refresh,
            message,
            session,
            claim,
        )
        db.add_all(rows)
        db.flush()
        return {type(row): row for row in rows}


BREAKAGES: list[tuple[str, type[Any], dict[str, Any]]] = [
    ("A live token stands on an authorisation that has ended", Authorisation, {"ended_at": now()}),
    ("A live token stands on an authorisation that has ended", Authorisation, {"expires_at": ago(1)}),
    ("A live token stands on a school that is Rejected or Closed", School, {"status": CLOSED}),
    ("A live token stands on an agent that was removed", Endpoint, {"ended_at": now()}),
    ("Tokens of an agent came of a request that nobody collected", DeviceRequest, {"ended_at": None}),
    ("Tokens of an agent came of a request that nobody collected", DeviceRequest, {"endpoint_id": None}),
    ("A token is not of the app that its authorisation is for", Token, {"app_id": uuid.uuid4()}),
    ("A token is of a person who is not there", Token, {"account_id": uuid.uuid4()}),
    ("A token came of a code that nobody has used", AuthorizationCode, {"used_at": None}),
    ("A Verified school was not approved", Verification, {"state": "Confirmed"}),
    ("A completed registration has no school", Registration, {"school_id": None}),
    ("A session outlived its account", Account, {"ended_at": now()}),
    ("A message is neither waiting, nor sent, nor given up", Message, {"next_try_at": None}),
    ("A message that waits has lost its content", Message, {"sealed": None}),
    ("A message that was sent has kept its content", Message, {"next_try_at": None, "sent_at": now()}),
    ("A live token that no school backs tells more", Token, {"authorisation_id": None}),
    ("A live token that no school backs tells more", Token, {"authorisation_id": None, "scope": "openid"}),
    ("A live token carries a scope that nobody granted", Authorisation, {"scopes": []}),
]


@pytest.mark.parametrize(("sentence", "of", "columns"), BREAKAGES)
def test_each_breakage_is_named(world: dict[type[Any], Any], sentence: str, of: type[Any], columns: Any) -> None:
    with sessions.read() as db:
        assert faults(db) == []

    with sessions.begin() as db:
        row = db.merge(world[of])
        for name, value in columns.items():
            setattr(row, name, value)

    with sessions.read() as db:
        assert [fault for fault in faults(db) if fault.startswith(sentence)]


def test_one_person_who_both_heard_and_approved_is_named(world: dict[type[Any], Any]) -> None:
    with sessions.begin() as db:
        case = db.merge(world[Verification])
        case.decided_by = case.confirmed_by

    with sessions.read() as db:
        assert [fault for fault in faults(db) if fault.startswith("Whoever heard the code also approved")]


def test_a_token_of_an_app_and_an_agent_at_once_is_named(world: dict[type[Any], Any]) -> None:
    with sessions.begin() as db:
        db.merge(world[Token]).endpoint_id = world[Endpoint].id

    with sessions.read() as db:
        assert [fault for fault in faults(db) if fault.startswith("A token is an agent's and an app's at once")]


def test_two_live_refresh_tokens_of_one_code_are_named(world: dict[type[Any], Any]) -> None:
    first = world[Token]
    with sessions.begin() as db:
        copied = {column.name: getattr(first, column.name) for column in Token.__table__.columns}
        db.add(Token(**copied | {"digest": b"second", "purpose": REFRESH}))

    with sessions.read() as db:
        assert [fault for fault in faults(db) if fault.startswith("One code has led to two live refresh tokens")]

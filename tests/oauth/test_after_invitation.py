"""product.md 7: after an invitation, the code flow finishes without a second decision; once, and for nobody else."""

import datetime as dt
from typing import Any

import pytest
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import Account
from app.models.authorisation import Authorisation
from app.models.base import now
from app.models.invitation import Invitation
from app.models.partner import App
from app.models.school import VERIFIED
from app.settings import settings
from app.sharing import invitations
from tests import factories
from tests.oauth.dance import Dance, at_once
from tests.pages import Browser
from tests.sharing.invited import mails

SCOPES = ("school", "openid", "email")
INITIATE = "https://partner.example/initiate"
ASKED = "Share data with Reading Room?"


@pytest.fixture
def dance(server: ASGIApp, browser: Browser) -> Dance:
    return Dance(server, browser, scopes=SCOPES, initiate_login_uri=INITIATE)


def authorises(dance: Dance, *ticked: str) -> None:
    """Invite the school, and let its Admin say yes."""
    invite(dance)
    dance.signs_in()
    dance.browser.opens(mails()[-1].links[0].removeprefix(settings.issuer))
    for label in ticked:
        dance.browser.ticks(label)
    dance.browser.presses("Authorise")
    assert dance.browser.left_to.startswith(INITIATE)


def invite(dance: Dance) -> Invitation:
    with sessions.begin() as db:
        return invitations.send(
            db,
            app=db.get_one(App, dance.app.id),
            urn_or_dfe=str(dance.school.urn),
            contact_name="Ada Bright",
            contact_email="ada@madeup-primary.sch.example",
            scopes=SCOPES,
        )


def the_invitation() -> Invitation:
    with sessions.read() as db:
        return db.query(Invitation).one()


def test_the_code_flow_finishes_without_a_second_decision_once(dance: Dance) -> None:
    authorises(dance)

    dance.opens(scope="school openid email")

    tokens = dance.redeems(dance.answered()["code"]).json()
    assert set(tokens["scope"].split()) == {"school"}
    assert dance.reads(tokens["access_token"]).status_code == 200
    assert the_invitation().finished_at
    dance.opens(scope="school openid email")
    assert dance.browser.title == ASKED
    dance.browser.presses("Authorise")
    assert dance.redeems(dance.answered()["code"]).status_code == 200


def test_the_token_carries_what_was_granted_and_asked_for(dance: Dance) -> None:
    authorises(dance, "Sign in with Gatehouse", "Email address of the person who signs in")
    dance.opens(scope="school email openid")
    first = dance.redeems(dance.answered()["code"]).json()
    assert set(first["scope"].split()) == {"school", "openid", "email"}


def test_a_narrower_request_gets_no_more_than_it_asks_for(dance: Dance) -> None:
    authorises(dance, "Email address of the person who signs in")
    dance.opens(scope="school")
    assert dance.redeems(dance.answered()["code"]).json()["scope"] == "school"


@pytest.mark.parametrize(
    "changed", [{"prompt": "consent"}, {"code_challenge": None}, {"redirect_uri": "https://e.example"}]
)
def test_everything_else_of_the_flow_stays(dance: Dance, changed: dict[str, Any]) -> None:
    authorises(dance)
    if changed == {"prompt": "consent"}:
        dance.opens(**changed)
        assert dance.browser.title == ASKED
    elif "redirect_uri" in changed:
        dance.opens(400, **changed)
    else:
        dance.opens(**changed)
        assert dance.answered()["error"] == "invalid_request"
    assert the_invitation().finished_at is None
    dance.opens()
    assert dance.redeems(dance.answered()["code"]).status_code == 200


def test_a_code_is_bound_to_its_verifier_as_ever(dance: Dance) -> None:
    authorises(dance)
    dance.opens()
    assert dance.redeems(dance.answered()["code"], code_verifier="x" * 43).json()["error"] == "invalid_grant"


def test_another_admin_of_the_school_is_asked(dance: Dance) -> None:
    authorises(dance)
    with sessions.begin() as db:
        colleague = factories.admin(db, dance.school)
    is_asked(dance, colleague)


def test_another_school_of_the_same_admin_is_asked(dance: Dance) -> None:
    authorises(dance)
    with sessions.begin() as db:
        other = factories.school(db, 100002, VERIFIED)
        factories.authorisation(db, dance.admin, other, dance.app)
        elsewhere = factories.admin(db, other)
    is_asked(dance, elsewhere)


def test_another_app_of_the_same_partner_is_asked(dance: Dance) -> None:
    authorises(dance)
    mine = dance.app
    with sessions.begin() as db:
        dance.app, _ = factories.app(db, "Reading Room", scopes=SCOPES, initiate_login_uri=INITIATE)
        factories.authorisation(db, dance.admin, dance.school, dance.app)
    dance.opens()
    assert dance.browser.title == ASKED
    dance.app = mine
    dance.opens()
    assert "code" in dance.answered()


def test_an_hour_later_the_school_is_asked(dance: Dance) -> None:
    authorises(dance)
    with sessions.begin() as db:
        db.query(Invitation).one().decided_at = now() - dt.timedelta(minutes=61)
    dance.opens()
    assert dance.browser.title == ASKED


def test_what_was_revoked_or_paused_meanwhile_is_asked_about(dance: Dance) -> None:
    authorises(dance)
    with sessions.begin() as db:
        given = db.query(Authorisation).one()
        given.paused_at = now()
    dance.opens()
    assert dance.browser.title == ASKED
    with sessions.begin() as db:
        db.query(Authorisation).one().end(db, "revoked", dance.admin.id)
    dance.opens()
    assert dance.browser.title == ASKED


def test_a_scope_that_has_become_required_is_asked_about(dance: Dance) -> None:
    authorises(dance)
    with sessions.begin() as db:
        next(row for row in db.get_one(App, dance.app.id).scopes if row.scope == "email").required = True
    dance.opens(scope="school openid email")
    assert dance.browser.title == ASKED


def test_an_invitation_that_was_declined_finishes_nothing(dance: Dance) -> None:
    with sessions.begin() as db:
        factories.authorisation(db, dance.admin, dance.school, dance.app)
    invite(dance)
    dance.signs_in()
    dance.browser.opens(mails()[-1].links[0].removeprefix(settings.issuer))
    dance.browser.presses("Decline")
    dance.opens()
    assert dance.browser.title == ASKED


def test_of_many_at_once_one_finishes_it(dance: Dance) -> None:
    authorises(dance)
    invitation = the_invitation()

    def finishes(_number: int) -> bool:
        with sessions.begin() as db:
            return db.get_one(Invitation, invitation.id).finish(db)

    assert sum(at_once(8, finishes)) == 1


def is_asked(dance: Dance, who: Account) -> None:
    """This person sees the usual page; the one who decided still goes straight on."""
    dance.signs_in(who)
    dance.opens()
    assert dance.browser.title == ASKED
    dance.signs_in()
    dance.opens()
    assert "code" in dance.answered()

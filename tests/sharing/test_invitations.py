"""product.md 7: what a partner may send, and what the mail and the notices say. security.md 6."""

import datetime as dt

import pytest
from sqlalchemy import update

from app import chores
from app.db import sessions
from app.errors import Problem
from app.models.base import ago, now
from app.models.invitation import Invitation
from app.models.partner import App
from app.models.school import VERIFIED
from app.models.webhook import Notice
from app.settings import settings
from app.sharing import invitations
from tests import factories
from tests.sharing.invited import Invited, state


def test_the_mail_asks_and_carries_nothing_that_the_partner_wrote() -> None:
    here = Invited(contact_name="Click http://evil.example")
    text = here.mail().text

    assert here.mail().subject == "Reading Room asks to read data of Made-up Primary School 100001"
    for words in (here.partner_name, "Your school’s details", here.link()):
        assert words in text
    assert "evil" not in text and "To show your" not in text
    assert text.startswith("Hello,")
    assert Invited(urn=100002, contact_name="Ada Bright").mail().text.startswith("Hello Ada Bright,")


def test_sending_is_told_and_the_same_reference_is_the_same_invitation() -> None:
    here = Invited(reference="R-1")

    assert here.send(reference="R-1").id == here.id
    assert here.send(reference="R-2", contact_email="another@madeup-primary.sch.example").id != here.id
    with sessions.read() as db:
        told = [notice for notice in db.query(Notice).all() if notice.data["reference"] == "R-1"]
    assert [(notice.type, notice.data["state"], notice.data["scopes"]) for notice in told] == [
        ("invitation.sent", "sent", [])
    ]
    assert told[0].data["school"] == {"urn": 100001, "name": "Made-up Primary School 100001"}
    assert "@" not in str(told[0].data)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"urn_or_dfe": "999999"}, "school"),
        ({"urn_or_dfe": "nonsense"}, "school"),
        ({"urn_or_dfe": ""}, "school"),
        ({"urn_or_dfe": "100009"}, "school"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["openid"]}, "scopes"),
        ({"scopes": ["school", "email"]}, "scopes"),
        ({"contact_email": "nobody"}, "contact_email"),
        ({"contact_name": "   "}, "contact_name"),
        ({"technical": ("Tess", "no")}, "technical_email"),
        ({"reference": "a\nb"}, "reference"),
    ],
)
def test_what_cannot_be_sent_says_what_to_put_right(changed: dict[str, object], field: str) -> None:
    here = Invited(send=False)
    with sessions.begin() as db:
        factories.establishment(db, 100009, status_code="2")

    with pytest.raises(Problem) as refused:
        here.send(**changed)

    assert refused.value.field == field
    assert here.send().state == "sent"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"contact_name": ""}, "Enter the contact’s name."),
        ({"contact_name": "A" * 101}, "The contact’s name must be 100 characters or fewer."),
        ({"contact_email": ""}, "Enter the contact’s email address."),
        ({"technical": ("", "tess@madeup-primary.sch.example")}, "Enter the technical contact’s name."),
        ({"technical": ("7", "tess@madeup-primary.sch.example")}, "Enter the technical contact’s name in letters"),
    ],
)
def test_what_is_wrong_is_said_about_whom_it_concerns(changed: dict[str, object], words: str) -> None:
    here = Invited(send=False)
    with pytest.raises(Problem) as refused:
        here.send(**changed)
    assert refused.value.hint.startswith(words) and "your" not in refused.value.hint.lower()
    assert here.send(technical=("Tess", "tess@madeup-primary.sch.example")).state == "sent"


def test_a_school_is_found_by_either_number() -> None:
    here = Invited(send=False)
    assert here.send(urn_or_dfe="888/0001").urn == 100001
    assert here.send(urn_or_dfe="URN: 100001", contact_email="b@madeup-primary.sch.example").urn == 100001


def test_one_open_invitation_for_each_app_school_and_address() -> None:
    here = Invited()
    with pytest.raises(Problem, match="not sent"):
        here.send(contact_email="ADA@madeup-primary.sch.example")
    with sessions.begin() as db:
        invitations.cancel(db, here.row(db), None)
    assert here.send().state == "sent"


def test_a_partner_sends_so_many_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "invitations_a_day", 2)
    here = Invited()
    here.send(contact_email="b@madeup-primary.sch.example")
    with pytest.raises(invitations.TooMany):
        here.send(contact_email="c@madeup-primary.sch.example")
    with sessions.begin() as db:
        db.execute(update(Invitation).values(created_at=ago(90_000)))
    assert here.send(contact_email="c@madeup-primary.sch.example").state == "sent"


def test_a_test_app_invites_only_test_schools_and_a_suspended_one_nobody() -> None:
    here = Invited(send=False, is_live=False)
    with pytest.raises(Problem):
        here.send()
    with sessions.begin() as db:
        factories.school(db, 100005, VERIFIED, is_test=True)
    assert here.send(urn_or_dfe="100005").urn == 100005
    with sessions.begin() as db:
        db.get_one(App, here.app.id).suspended_at = now()
    with pytest.raises(Problem, match="not sent"):
        here.send(urn_or_dfe="100005", contact_email="b@madeup-primary.sch.example")


def test_a_reminder_goes_out_once_after_a_week_and_its_link_replaces_the_old_one() -> None:
    here = Invited()
    assert chores.run(invitations.send_reminders) == 0
    before = here.link()
    here.age(days=7, hours=1)

    assert chores.run(invitations.send_reminders) == 1
    assert chores.run(invitations.send_reminders) == 0

    assert here.mail().subject.startswith("Reminder: ")
    assert here.link() != before
    assert here.link() in here.mail().text


def test_nobody_is_reminded_of_a_suspended_app_until_it_is_let_in_again() -> None:
    here = Invited()
    here.age(days=8)
    suspends(here, now())
    assert chores.run(invitations.send_reminders) == 0
    suspends(here, None)
    assert chores.run(invitations.send_reminders) == 1


def suspends(here: Invited, at: dt.datetime | None) -> None:
    with sessions.begin() as db:
        db.get_one(App, here.app.id).suspended_at = at


def test_it_runs_out_after_two_weeks_and_the_partner_is_told() -> None:
    here = Invited()
    assert chores.run(invitations.expire) == 0
    here.age(days=14, hours=1)

    assert chores.run(invitations.expire) == 1
    assert chores.run(invitations.expire) == 0

    assert state(here) == "expired"
    assert here.told() == ["sent", "expired"]


def test_every_step_is_a_chore_of_the_worker() -> None:
    assert {invitations.send_reminders, invitations.expire} <= set(chores.CHORES)


def test_the_partner_may_remind_once_a_day() -> None:
    here = Invited()
    with sessions.begin() as db, pytest.raises(Problem):
        invitations.remind_again(db, here.row(db))
    here.age(days=2)
    with sessions.begin() as db:
        invitations.remind_again(db, here.row(db))
    with sessions.begin() as db, pytest.raises(Problem):
        invitations.remind_again(db, here.row(db))

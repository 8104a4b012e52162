"""The partner API's invitations."""

import uuid
from typing import Any

import pytest

from app.db import sessions
from app.models.invitation import Invitation
from app.models.outbox import Message
from app.settings import settings
from tests import factories
from tests.partners.caller import Caller, caller, refusal

SENT: dict[str, Any] = {
    "school": "100007",
    "contact": {"name": "Ada Bright", "email": "head@madeup-primary.sch.example"},
    "scopes": ["school"],
}


@pytest.fixture(autouse=True)
def school(browser: Any) -> None:
    with sessions.begin() as db:
        factories.establishment(db, 100007)


def mails() -> int:
    with sessions.read() as db:
        return db.query(Message).count()


def test_a_school_is_invited_looked_up_and_the_invitation_taken_back(mine: Caller) -> None:
    made = mine("POST", "/invitations", SENT | {"reference": "order-1"})
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["state"], told["school"]["urn"], told["reference"]) == ("sent", 100007, "order-1")
    assert mine.gets(f"/invitations/{told['id']}") == told
    assert mine.gets("/invitations?reference=order-1")["items"] == [told]
    assert mine.gets("/invitations?state=declined")["items"] == []
    assert mails() == 1

    assert mine("DELETE", f"/invitations/{told['id']}").status_code == 204
    assert refusal(mine("DELETE", f"/invitations/{told['id']}")) == (409, "invitation_settled")
    assert refusal(mine("POST", f"/invitations/{told['id']}/remind")) == (409, "invitation_settled")
    assert mine.gets(f"/invitations/{told['id']}")["state"] == "cancelled"


def test_the_same_reference_twice_is_one_invitation(mine: Caller, theirs: Caller) -> None:
    first, again = (mine("POST", "/invitations", SENT | {"reference": "r"}).json()["id"] for _ in range(2))
    assert first == again and mails() == 1
    assert theirs("POST", "/invitations", SENT | {"reference": "r"}).json()["id"] != first


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"school": "999999"}, "school"),
        ({"school": "nonsense"}, "school"),
        ({"contact": {"name": "Ada Bright", "email": "nobody"}}, "contact.email"),
        ({"contact": {"name": "", "email": "a@madeup-primary.sch.example"}}, "contact.name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["people"]}, "scopes"),
        ({"technical_contact": {"name": "Tim Technician", "email": "x"}}, "technical_contact.email"),
    ],
)
def test_what_cannot_be_sent_is_named(mine: Caller, changed: dict[str, Any], field: str) -> None:
    answer = mine("POST", "/invitations", SENT | changed)
    assert refusal(answer) == (422, "cannot_invite")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert mails() == 0

    assert mine("POST", "/invitations", SENT).status_code == 201


@pytest.mark.parametrize(
    "more", [{"status": "authorised"}, {"state": "authorised"}, {"urn": 1}, {"app_id": "x"}, {"role": 1}]
)
def test_nothing_but_its_members_is_taken(mine: Caller, more: dict[str, Any]) -> None:
    assert refusal(mine("POST", "/invitations", SENT | more)) == (422, "invalid_body")
    inner = SENT | {"contact": {"name": "Ada Bright", "email": "a@b.example"} | more}
    assert refusal(mine("POST", "/invitations", inner)) == (422, "invalid_body")
    assert mine("POST", "/invitations", SENT).status_code == 201


def test_a_partner_sends_so_many_a_day(mine: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "invitations_a_day", 1)
    assert mine("POST", "/invitations", SENT).status_code == 201
    other = SENT | {"contact": {"name": "Ben Bright", "email": "ben@madeup-primary.sch.example"}}
    assert refusal(mine("POST", "/invitations", other)) == (429, "too_many_invitations")


def test_another_apps_invitation_is_not_there(mine: Caller, theirs: Caller) -> None:
    made = theirs("POST", "/invitations", SENT).json()["id"]
    for path in (made, str(uuid.uuid4()), "x"):
        assert refusal(mine("GET", f"/invitations/{path}")) == (404, "404")
        assert refusal(mine("DELETE", f"/invitations/{path}")) == (404, "404")
        assert refusal(mine("POST", f"/invitations/{path}/remind")) == (404, "404")
    assert mine.gets("/invitations")["items"] == []
    assert refusal(mine("GET", "/invitations?state=lost")) == (400, "invalid_query")

    assert theirs.gets(f"/invitations/{made}")["state"] == "sent"


def test_whom_the_school_named_instead_is_not_told(mine: Caller) -> None:
    made = mine("POST", "/invitations", SENT).json()
    with sessions.begin() as db:
        from app.sharing.invitations import forward

        first = db.get_one(Invitation, uuid.UUID(made["id"]))
        forward(db, first, name="Private Person", email="private@madeup-primary.sch.example", by=None)
    listed = mine.gets("/invitations")["items"]
    assert [item["state"] for item in listed] == ["sent", "forwarded"]
    assert listed[0]["parent_id"] == made["id"] and "rivate" not in str(listed)


def test_a_test_app_invites_only_test_schools(mine: Caller) -> None:
    trying = caller(mine.client, is_live=False)
    assert refusal(trying("POST", "/invitations", SENT)) == (422, "cannot_invite")
    assert mine("POST", "/invitations", SENT).status_code == 201

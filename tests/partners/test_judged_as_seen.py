"""What an operator has agreed to, and what schools rely on, does not change behind their backs."""

import pytest

from app.db import sessions
from app.models.account import PARTNER_USER, Account, Membership
from app.models.base import now
from app.models.partner import App, Partner
from app.models.proposal import LIVE, Proposal
from app.partners import apps, service
from tests import factories

CARD = {
    "website": None,
    "ico_number": "ZA123456",
    "agreement_url": "https://a.example/a",
    "breach_contact": "x@a.example",
}


def app_of(*, is_live: bool) -> tuple[App, Account]:
    with sessions.begin() as db:
        app, _ = factories.app(db, is_live=is_live, retention="Until the end")
        user = factories.account(db)
        db.add(Membership(account_id=user.id, partner_id=app.partner_id, role=PARTNER_USER))
        app.partner.agreement_url = "https://a.example/a"
        return app, user


def changes(app: App, by: Account, **changed: object) -> None:
    usual: dict[str, object] = {
        "name": app.name,
        "retention": "Until the end",
        "redirect_uris": app.redirect_uris,
        "post_logout_redirect_uris": [],
        "initiate_login_uri": "",
    }
    with sessions.begin() as db:
        held = db.get_one(App, app.id)
        apps.change_details(db, held, by.id, **usual | changed)  # type: ignore[arg-type]


def test_while_an_operator_looks_at_an_app_neither_it_nor_the_card_changes() -> None:
    app, user = app_of(is_live=False)
    with sessions.begin() as db:
        db.add(Proposal(app_id=app.id, kind=LIVE, scopes=[], asked_by=user.id))

    with pytest.raises(apps.CannotChange, match="cannot be changed"):
        changes(app, user, name="HM Government Sign In")
    with sessions.begin() as db, pytest.raises(apps.CannotChange):
        apps.change_card(db, db.get_one(Partner, app.partner_id), user.id, dict(CARD))

    with sessions.begin() as db:
        waiting = Proposal.open_of(db, app.id)
        assert waiting and waiting.decide(db, user.id, False, "Withdrawn")
    changes(app, user, name="Another Name")
    with sessions.begin() as db:
        apps.change_card(db, db.get_one(Partner, app.partner_id), user.id, dict(CARD))
    with sessions.read() as db:
        assert db.get_one(App, app.id).name == "Another Name"
        assert db.get_one(Partner, app.partner_id).ico_number == "ZA123456"


@pytest.mark.parametrize(
    "changed", [{"name": "Other"}, {"retention": ""}, {"redirect_uris": ["http://127.0.0.1:1/callback"]}]
)
def test_a_live_app_keeps_what_it_went_live_with(changed: dict[str, object]) -> None:
    app, user = app_of(is_live=True)

    with pytest.raises(apps.CannotChange):
        changes(app, user, **changed)

    with sessions.read() as db:
        held = db.get_one(App, app.id)
        assert (held.name, held.retention, held.redirect_uris) == (app.name, "Until the end", app.redirect_uris)
    changes(app, user, redirect_uris=["https://partner.example/other"])


def test_the_card_of_a_live_app_is_never_emptied() -> None:
    app, user = app_of(is_live=True)
    with sessions.begin() as db, pytest.raises(apps.CannotChange):
        apps.change_card(db, db.get_one(Partner, app.partner_id), user.id, CARD | {"ico_number": ""})
    with sessions.begin() as db:
        apps.change_card(db, db.get_one(Partner, app.partner_id), user.id, dict(CARD))


@pytest.mark.parametrize(
    "name", ["Read https://evil.example/login", "evil.example", "www evil", "a@b", "Sign in <here>"]
)
def test_no_address_stands_in_the_name_of_an_app(name: str) -> None:
    app, user = app_of(is_live=False)
    with pytest.raises(service.NotRegistrable):
        changes(app, user, name=name)
    changes(app, user, name=f"St. Mary’s Reader {now().year}")

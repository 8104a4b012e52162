import datetime as dt
import threading
import uuid

import pytest

from app.db import sessions
from app.models import event
from app.models.account import DPO, READ_ONLY
from app.models.authorisation import Authorisation
from app.models.base import ago, ahead, now
from app.models.token import AuthorizationCode, Token
from app.sharing import service
from app.sharing.service import give_back, grant, offer, revoke
from tests import factories
from tests.sharing.people import (
    ALL,
    actions,
    active,
    authorised,
    carries,
    code,
    colleague,
    granted,
    lives,
    mails,
    state,
    token,
    world,
)


def test_an_offer_tells_what_is_asked_and_what_for() -> None:
    here = world(retention="30 days")

    with sessions.read() as db:
        made = offer(db, here.app, ["email", "school"], here.school)

    assert [(line.scope, line.required, line.granted) for line in made.lines] == [
        ("school", True, False),
        ("email", False, False),
    ]
    assert made.lines[0].purpose == "To show your school in Reading Room"
    assert ("ICO registration number", "ZA000001") in made.facts and ("Keeps data for", "30 days") in made.facts
    assert made.active is None
    assert dt.timedelta(days=364) < made.until - now() < dt.timedelta(days=367)


def test_an_offer_marks_what_is_agreed_already() -> None:
    here = world()
    before = granted(here, "school")

    with sessions.read() as db:
        made = offer(db, here.app, list(ALL), here.school)

    assert made.active is not None and made.active.id == before.id
    assert [line.scope for line in made.lines if line.granted] == ["school"]


def test_a_narrower_question_takes_nothing_away() -> None:
    here = world()
    before = granted(here, "school", "email")
    held = token(before, here)

    with sessions.begin() as db:
        made = offer(db, here.app, ["school", "profile"], here.school)
        kept = [line.scope for line in made.kept]
        same = offer(db, here.app, ["school"], here.school)
        agreed = [*same.chosen([]), *(line.scope for line in same.kept)]
        after = grant(db, person=here.person(db), school=here.school, app=here.app, scopes=agreed)

    assert kept == ["email"] and [line.scope for line in made.lines] == ["school", "profile"]
    assert after.id == before.id and after.scopes == ["school", "email"] and lives(held)


def test_required_scopes_are_chosen_always_and_optional_ones_as_ticked() -> None:
    here = world()
    with sessions.read() as db:
        made = offer(db, here.app, ["school", "openid", "email"], here.school)

    assert made.chosen([]) == ["school"]
    assert made.chosen(["email", "profile", "staff"]) == ["school", "email"]


def test_an_agreement_address_becomes_a_link_only_when_it_is_one() -> None:
    with sessions.begin() as db:
        app, _ = factories.app(db)
        app.partner.agreement_url = "https://partner.example/a?b=1&c=<2>"
        shown = dict(service.facts(app))["Data sharing agreement"]
        app.partner.agreement_url = "javascript:alert(1)"
        text = dict(service.facts(app))["Data sharing agreement"]

    assert 'href="https://partner.example/a?b=1&amp;c=&lt;2&gt;"' in shown
    assert text == "javascript:alert(1)" and not hasattr(text, "__html__")


def test_granting_is_in_the_audit_and_mailed_to_admins_and_the_dpo() -> None:
    here = world()
    colleague(here.school, DPO)
    colleague(here.school, READ_ONLY)

    made = granted(here, "email", "school")

    assert made.scopes == ["school", "email"] and made.is_active and made.granted_by == here.admin.id
    assert actions(here) == ["authorisation.granted"]
    assert mails() == 2


def test_the_same_scopes_again_keep_the_authorisation_and_its_tokens_and_move_the_end() -> None:
    here = world()
    first = granted(here, "school", "email")
    held = token(first, here)
    with sessions.begin() as db:
        db.get_one(Authorisation, first.id).expires_at = ahead(3600)

    again = granted(here, "email", "school")

    assert again.id == first.id and again.expires_at > ahead(300 * 86400)
    assert lives(held)
    assert actions(here) == ["authorisation.granted"] * 2


def test_more_scopes_keep_the_authorisation_and_give_its_tokens_and_codes_nothing() -> None:
    here = world()
    first = granted(here, "school")
    held, waiting = token(first, here), code(first, here, "school")
    withdrawals = sessions.withdrawals

    second = granted(here, "school", "email")

    assert second.id == first.id and second.scopes == ["school", "email"]
    assert (carries(Token, held), carries(AuthorizationCode, waiting)) == ("school", "school")
    assert sessions.withdrawals == withdrawals
    with sessions.read() as db:
        told = event.about(db, here.school.id, [first.id])[0].detail
    assert (told["before"], told["scopes"]) == (["school"], ["school", "email"])


def test_fewer_scopes_cut_tokens_and_codes_to_what_is_left_and_caches_learn_of_it() -> None:
    here = world()
    first = granted(here, "school", "email", "profile")
    both, lost = token(first, here, "school email"), token(first, here, "email")
    waiting, spent = code(first, here, "email school profile"), code(first, here, "email")
    other = token(granted(there := world(100002), "school", "email"), there, "school email")
    withdrawals = sessions.withdrawals

    second = granted(here, "school", "profile")

    assert second.id == first.id and second.scopes == ["school", "profile"]
    assert (carries(Token, both), carries(AuthorizationCode, waiting)) == ("school", "school profile")
    assert not lives(lost) and lives(both)
    with sessions.read() as db:
        assert db.get_one(AuthorizationCode, spent).used_at is not None
        assert db.get_one(AuthorizationCode, waiting).used_at is None
    assert carries(Token, other) == "school email" and lives(other)
    assert sessions.withdrawals == withdrawals + 1
    assert mails() == 3


def test_what_an_app_gives_back_ends_once_with_its_tokens_and_the_admins_are_told() -> None:
    here = world()
    given = granted(here)
    held, before = token(given, here), mails()

    ended = []
    for _ in range(2):
        with sessions.begin() as db:
            ended.append(give_back(db, db.get_one(Authorisation, given.id)))

    assert ended == [True, False] and not lives(held)
    assert state(given) == "Returned" and mails() == before + 1
    assert actions(here) == ["authorisation.returned", "authorisation.granted"]
    assert granted(here).id != given.id


def test_an_expired_authorisation_is_ended_as_expired_when_the_next_begins() -> None:
    here = world()
    first = granted(here)
    with sessions.begin() as db:
        db.get_one(Authorisation, first.id).expires_at = ago(1)

    second = granted(here)

    assert second.id != first.id
    with sessions.read() as db:
        assert db.get_one(Authorisation, first.id).state == "Expired"
    assert [given.id for given in active(here)] == [second.id]


def test_revoking_ends_tokens_is_in_the_audit_and_mailed_once() -> None:
    here = world()
    given = granted(here)
    held, kept = token(given, here), token(authorised(world(100002)), here)
    before = mails()

    for _ in range(2):
        with sessions.begin() as db:
            assert revoke(db, person=here.person(db), school=here.school, authorisation_id=given.id).state == "Revoked"

    assert not lives(held) and lives(kept)
    assert actions(here) == ["authorisation.revoked", "authorisation.granted"]
    assert mails() == before + 1


def test_caches_learn_of_a_withdrawal_once_it_is_committed() -> None:
    here = world()
    given = granted(here)
    before = sessions.withdrawals

    def fails() -> None:
        with sessions.begin() as db:
            revoke(db, person=here.person(db), school=here.school, authorisation_id=given.id)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert sessions.withdrawals == before and active(here)
    with sessions.begin() as db:
        revoke(db, person=here.person(db), school=here.school, authorisation_id=given.id)
        assert sessions.withdrawals == before
    assert sessions.withdrawals == before + 1


def test_twenty_at_once_leave_one_active() -> None:
    here = world()
    choices: list[list[str]] = [["school"], ["school", "email"], ["school", "profile"], ["school", "openid"]]
    start, wrong = threading.Barrier(20), []

    def decide(number: int) -> None:
        try:
            start.wait()
            with sessions.begin() as db:
                scopes = choices[number % len(choices)]
                given = grant(db, person=here.person(db), school=here.school, app=here.app, scopes=scopes)
                if number % 5 == 0:
                    revoke(db, person=here.person(db), school=here.school, authorisation_id=given.id)
        except BaseException as failed:
            wrong.append(failed)

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len(active(here)) <= 1
    assert actions(here).count("authorisation.granted") == 20
    last = granted(here, *ALL)
    assert [given.id for given in active(here)] == [last.id]


@pytest.mark.parametrize(
    ("today", "until"),
    [
        (dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC), dt.datetime(2027, 11, 24, 9, tzinfo=dt.UTC)),
        (dt.datetime(2028, 2, 29, 9, tzinfo=dt.UTC), dt.datetime(2029, 2, 28, 9, tzinfo=dt.UTC)),
        (dt.datetime(2026, 12, 31, 9, tzinfo=dt.UTC), dt.datetime(2027, 12, 31, 9, tzinfo=dt.UTC)),
    ],
)
def test_an_authorisation_ends_twelve_months_later(
    today: dt.datetime, until: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "now", lambda: today)

    assert service.end_date() == until


def test_a_partner_knows_a_school_by_an_id_of_its_own_that_outlives_the_key_ring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pydantic import SecretStr

    from app.settings import settings

    one, other, school = world().app.partner, world(100002).app.partner, uuid.uuid4()
    before = one.pairwise("school", school)

    monkeypatch.setattr(settings, "secret_keys", [SecretStr("n" * 64), *settings.secret_keys])
    assert one.pairwise("school", school) == before
    assert other.pairwise("school", school) != before
    assert one.pairwise("account", school) != before
    assert one.pairwise("school", uuid.uuid4()) != before
    assert uuid.UUID(before).version == 8

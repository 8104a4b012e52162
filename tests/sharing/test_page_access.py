import uuid

import pytest
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import CALLER, DPO, IT, READ_ONLY, Account, Membership
from app.models.base import now
from tests import factories
from tests.factories import signs_in
from tests.pages import Browser
from tests.sharing.people import PAGES, authorised, colleague, state, world


@pytest.mark.parametrize("role", [DPO, IT, READ_ONLY])
def test_colleagues_see_everything_and_revoke_nothing(page: Browser, role: str) -> None:
    here = world()
    given = authorised(here)
    signs_in(page, colleague(here.school, role))

    for path in PAGES:
        page.opens(path.format(given=given.id))
        assert "Reading Room" in page.text
    assert "Only an Admin of your school can revoke this: Sam Secretary" in page.text
    assert not page.document.xpath("//a[contains(@href, '/revoke')]")
    page.opens(f"/school/apps/{given.id}/revoke", status=403)
    page.posts(f"/school/apps/{given.id}/revoke", 403)
    assert state(given) == "Active"
    signs_in(page, here.admin)
    page.posts(f"/school/apps/{given.id}/revoke")
    assert state(given) == "Revoked"


def test_only_people_of_the_school_see_its_pages(page: Browser) -> None:
    here, there = world(100001), world(100002)
    given = authorised(here)
    with sessions.begin() as db:
        operator = factories.operator(db, CALLER)
        partner = factories.account(db)
        db.add(Membership(account_id=partner.id, partner_id=here.app.partner_id, role="partner user"))
        former = factories.admin(db, here.school)
        db.query(Membership).filter_by(account_id=former.id).one().ended_at = now()

    def answers(who: Account, status: int) -> None:
        signs_in(page, who)
        for path in (*PAGES, "/school/apps/{given}/revoke"):
            page.opens(path.format(given=given.id), status=status)
        page.posts(f"/school/apps/{given.id}/revoke", status)

    for who in (operator, partner, former):
        answers(who, 403)
    signs_in(page, there.admin)
    for path in ("/school/apps/{given}", "/school/apps/{given}/revoke"):
        page.opens(path.format(given=given.id), status=404)
    page.posts(f"/school/apps/{given.id}/revoke", 404)
    assert state(given) == "Active"
    signs_in(page, here.admin)
    page.posts(f"/school/apps/{given.id}/revoke")
    assert state(given) == "Revoked"


def test_anothers_authorisation_answers_exactly_like_an_absent_one(page: Browser) -> None:
    here, there = world(100001), world(100002)
    given = authorised(here)
    signs_in(page, there.admin)

    texts = set()
    for name in (given.id, uuid.uuid4()):
        page.opens(f"/school/apps/{name}", status=404)
        texts.add(page.text)
    for nonsense in ("nonsense", "1'", "%F0%9F%92%A9"):
        page.opens(f"/school/apps/{nonsense}", status=404)

    assert len({text.split("Please quote")[0] for text in texts}) == 1
    page.opens(f"/school/apps/{authorised(there).id}")


def test_nobody_signed_in_is_led_to_sign_in(server: ASGIApp) -> None:
    here = world()
    given = authorised(here)
    with Browser(server) as nobody:
        for path in (*PAGES, "/school/apps/{given}/revoke"):
            answer = nobody.client.get(path.format(given=given.id))
            assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=%2Fschool")
        assert nobody.client.post(f"/school/apps/{given.id}/revoke").status_code == 401
    assert state(given) == "Active"


def test_a_post_from_another_site_revokes_nothing(page: Browser) -> None:
    here = world()
    given = authorised(here)
    signs_in(page, here.admin)

    answer = page.client.post(f"/school/apps/{given.id}/revoke", headers={"sec-fetch-site": "cross-site"})

    assert answer.status_code == 403 and state(given) == "Active"
    page.posts(f"/school/apps/{given.id}/revoke")
    assert state(given) == "Revoked"

"""The checklist is ticked by what a Test app really did, and by nothing else."""

from starlette.types import ASGIApp

from app import ledger
from app.db import sessions
from app.models.account import PARTNER_USER, Account, Membership
from app.models.authorisation import Authorisation
from app.models.school import School
from app.sharing.service import revoke
from tests import factories
from tests.oauth.dance import Dance
from tests.pages import Browser
from tests.partners.people import opens
from tests.sharing.people import person


def ticked(page: Browser, dance: Dance) -> list[str]:
    ledger.drain()
    page.opens(f"/partners/apps/{dance.app.id}/check")
    rows = page.document.xpath("//tbody/tr")
    return [row.xpath("./th")[0].text_content() for row in rows if "Done" in row.xpath("./td")[0].text_content()]


def worker(of: Dance) -> Account:
    with sessions.begin() as db:
        made = factories.account(db)
        db.add(Membership(account_id=made.id, partner_id=of.app.partner_id, role=PARTNER_USER))
        db.get_one(School, of.school.id).is_test = True
        return made


def test_each_step_ticks_its_line(server: ASGIApp, browser: Browser, other_browser: Browser) -> None:
    dance = Dance(server, browser, is_live=False)
    opens(other_browser, worker(dance))
    assert ticked(other_browser, dance) == []

    dance.signs_in()
    dance.opens()
    asked = ["Authorization request received", "Redirect address matched", "PKCE with S256", "state sent"]
    assert ticked(other_browser, dance) == asked
    dance.browser.presses("Decline")
    assert ticked(other_browser, dance) == [*asked, "A decline came back"]

    tokens = dance.redeems(dance.code()).json()
    redeemed = [*asked, "Code exchanged for a token", "Authenticated by client_secret_basic"]
    assert set(redeemed) <= set(ticked(other_browser, dance))
    tokens = dance.refreshes(tokens["refresh_token"]).json()
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    path = "/ims/oneroster/rostering/v1p2/orgs"
    assert dance.programs.get(path, headers=headers).status_code == 200
    assert {"Refresh token used", "Data read"} <= set(ticked(other_browser, dance))
    assert "A revoked token was refused" not in ticked(other_browser, dance)

    with sessions.begin() as db:
        given = Authorisation.of_school(db, dance.school.id)[0]
        revoke(db, person=person(db, dance.admin), school=dance.school, authorisation_id=given.id)
    assert dance.programs.get(path, headers=headers).status_code == 401
    assert "A revoked token was refused" in ticked(other_browser, dance)

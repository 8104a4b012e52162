from app.audit import record
from app.db import sessions
from app.models.authorisation import REPLACED, Authorisation
from app.models.base import ahead, now
from app.models.school import SUSPENDED, UNVERIFIED, VERIFIED, School
from app.settings import settings
from app.sharing.service import grant, revoke
from tests import factories
from tests.factories import signs_in
from tests.pages import Browser
from tests.sharing.people import PAGES, authorised, state, world


def test_a_school_that_shares_nothing_is_told_so_and_what_to_do(page: Browser) -> None:
    here = world()
    signs_in(page, here.admin)

    page.opens("/school")

    assert page.title == "Made-up Primary School 100001 Verified"
    assert "No app may read your school’s data" in page.text
    assert "start in the app itself" in page.text
    assert "not checked your registration" not in page.text


def test_an_unverified_school_is_led_to_its_tracker(page: Browser) -> None:
    here = world(status=UNVERIFIED)
    signs_in(page, here.admin)

    page.opens("/school")

    assert "They get nothing until we have rung your school" in page.text
    assert page.document.xpath("//a[@href='/register/next']")


def test_a_suspended_school_reads_why(page: Browser) -> None:
    here = world()
    with sessions.begin() as db:
        db.get_one(School, here.school.id).move(db, VERIFIED, SUSPENDED, "The head asked for it")
    signs_in(page, here.admin)

    page.opens("/school")

    assert "The status of your school is Suspended" in page.text
    assert "The reason: The head asked for it" in page.text


def test_a_suspended_school_is_warned_told_whom_to_ring_and_not_told_to_connect_an_app(page: Browser) -> None:
    here = world()
    signs_in(page, here.admin)
    page.opens("/school")
    assert "To connect an app" in page.text
    assert not page.document.xpath("//*[contains(@class, 'govuk-warning-text')]")
    with sessions.begin() as db:
        db.get_one(School, here.school.id).move(db, VERIFIED, SUSPENDED, "The head asked for it")

    page.opens("/school")

    main = " ".join(page.document.xpath("//main")[0].text_content().split())
    assert settings.support_phone in main and settings.support_email in main
    assert "To connect an app" not in main
    assert page.document.xpath("//main//*[contains(@class, 'govuk-warning-text')]")
    assert not page.document.xpath("//main//*[contains(@class, 'govuk-notification-banner')]")


def test_the_dashboard_says_who_reads_what_since_when_by_whom_and_until_when(page: Browser) -> None:
    here = world()
    given = authorised(here, ("school", "email"))
    signs_in(page, here.admin)

    page.opens("/school")

    for words in ("Reading Room", here.app.partner.name, "Your school’s details", "Email address of the person"):
        assert words in page.text
    assert "by Sam Secretary" in page.text and "Not yet" in page.text
    page.follows("Reading Room")
    assert page.path == f"/school/apps/{given.id}"
    assert "To show your email in Reading Room" in page.text and "ZA000001" in page.text


def test_revoking_takes_two_presses_and_says_what_it_cannot_undo(page: Browser) -> None:
    here = world()
    with sessions.begin() as db:
        given = grant(db, person=here.person(db), school=here.school, app=here.app, scopes=["school", "email"])
    signs_in(page, here.admin)

    page.opens(f"/school/apps/{given.id}")
    page.follows("Revoke")
    assert state(given) == "Active"
    assert "can read nothing more" in page.text and "has read already stays with it" in page.text
    assert "name or email address" in page.text
    page.presses("Revoke")

    assert state(given) == "Revoked"
    assert page.title == "Reading Room Revoked"
    assert "Revoked: Reading Room can read nothing more" in page.text
    page.opens("/school/apps")
    assert "Ended: these read nothing any more" in page.text


def test_the_done_banner_cannot_be_had_by_an_address(page: Browser) -> None:
    here = world()
    given = authorised(here)
    signs_in(page, here.admin)

    page.opens(f"/school/apps/{given.id}?done")

    assert "can read nothing more" not in page.text


def test_revoking_again_changes_nothing(page: Browser) -> None:
    here = world()
    given = authorised(here)
    signs_in(page, here.admin)
    page.posts(f"/school/apps/{given.id}/revoke")
    with sessions.read() as db:
        ended = db.get_one(Authorisation, given.id).ended_at

    page.posts(f"/school/apps/{given.id}/revoke")
    page.opens(f"/school/apps/{given.id}/revoke")

    assert page.path == f"/school/apps/{given.id}"
    with sessions.read() as db:
        assert db.get_one(Authorisation, given.id).ended_at == ended


def test_the_history_tells_every_decision_about_the_app(page: Browser) -> None:
    here = world()
    with sessions.begin() as db:
        me = here.person(db)
        first = grant(db, person=me, school=here.school, app=here.app, scopes=["school"])
        grant(db, person=me, school=here.school, app=here.app, scopes=["school"])
        second = grant(db, person=me, school=here.school, app=here.app, scopes=["school", "email"])
        grant(db, person=me, school=here.school, app=here.app, scopes=["school"])
        revoke(db, person=me, school=here.school, authorisation_id=second.id)
    signs_in(page, here.admin)

    page.opens(f"/school/apps/{first.id}")

    rows = page.document.xpath("//caption[.='History']/..//tbody/tr")
    told = [" ".join(row.text_content().split()) for row in rows]
    assert len(told) == 5
    assert "Revoked" in told[0]
    assert "Authorised with changes, ended: Email address of the person who signs in" in told[1]
    assert "Authorised with changes, added: Email address of the person who signs in" in told[2]
    assert "with a new end date" in told[3]
    assert "Authorised: Your school’s details" in told[4]
    assert all(line.endswith("Sam Secretary") for line in told)


def test_what_was_decided_before_an_authorisation_could_change_is_told_as_it_was(page: Browser) -> None:
    here = world()
    old, given = authorised(here), None
    with sessions.begin() as db:
        db.get_one(Authorisation, old.id).end(db, REPLACED, here.admin.id)
        given = factories.authorisation(db, here.admin, here.school, here.app, ("school", "email"))
        about = {"actor": here.admin.id, "school": here.school.id}
        for more in ({"replaces": str(old.id), "renewed": False}, {"replaces": None, "renewed": True}):
            record(db, "authorisation.granted", **about, subject=given.id, scopes=["school", "email"], **more)  # type: ignore[arg-type]
    signs_in(page, here.admin)

    page.opens(f"/school/apps/{given.id}")
    assert "Authorised anew, in place of what was agreed before: Your school’s details, Email" in page.text
    assert "Authorised again for the same data, with a new end date" in page.text
    page.opens(f"/school/apps/{old.id}")
    assert page.title == "Reading Room Replaced"


def test_an_authorisation_that_ran_out_says_so(page: Browser) -> None:
    here = world()
    given = authorised(here)
    with sessions.begin() as db:
        db.get_one(Authorisation, given.id).expires_at = now()
    signs_in(page, here.admin)

    page.opens("/school")
    assert "No app may read your school’s data" in page.text and "1 that no longer reads your data" in page.text
    page.opens(f"/school/apps/{given.id}")

    assert page.title == "Reading Room Expired"
    assert "The authorisation reached its end date" in page.text
    assert not page.document.xpath("//a[contains(@href, '/revoke')]")


def test_a_paused_authorisation_is_marked(page: Browser) -> None:
    here = world()
    given = authorised(here)
    with sessions.begin() as db:
        db.get_one(Authorisation, given.id).paused_at = now()
    signs_in(page, here.admin)

    page.opens("/school")

    assert "Paused" in page.text


def test_long_names_and_many_apps_fit_on_the_page(page: Browser) -> None:
    name = (
        "<b>Saint Bartholomew’s & All Angels’ “Llanfair” Church of England Voluntary Aided Primary & Nursery</b> " * 3
    )
    with sessions.begin() as db:
        school = factories.school(db, 100009, VERIFIED, name=name)
        admin = factories.admin(db, school, name="Q" * 200)
        for number in range(60):
            app, _ = factories.app(db, name=f"{number} {'<script>alert(1)</script>' * 8}", scopes=("school", "email"))
            factories.authorisation(db, admin, school, app, ("school", "email"))
    signs_in(page, admin)

    for path in ("/school", "/school/apps"):
        page.opens(path)
        assert len(page.document.xpath("//tbody/tr")) == 60
        assert not page.document.xpath("//h1//b") and "<script>alert(1)" in page.text
    page.opens(page.document.xpath("//tbody/tr//a/@href")[0])


def test_a_scope_that_left_the_catalogue_leaves_the_pages_readable(page: Browser) -> None:
    here = world()
    given = authorised(here, ("school", "photos"))
    signs_in(page, here.admin)

    for path in PAGES:
        page.opens(path.format(given=given.id))
        assert "Your school’s details" in page.text


def test_the_partner_that_waits_is_offered_on_the_first_page(page: Browser) -> None:
    from app.models.token import AuthorizationRequest
    from app.secrets import digest, new_secret
    from app.web import cookies, remembered

    here = world()
    signs_in(page, here.admin)
    secret = new_secret("gh_br")
    page.client.cookies.set(cookies.name(remembered.COOKIE), secret)
    with sessions.begin() as db:
        waiting = AuthorizationRequest(
            app_id=here.app.id, parameters={}, browser_digest=digest(secret), expires_at=ahead(60)
        )
        db.add(waiting)
        db.flush()

    page.opens("/school")

    links = page.document.xpath("//a[contains(., 'Continue to Reading Room')]/@href")
    assert links == [f"/oauth/authorize/{waiting.id}"]


def test_every_page_about_data_sharing_is_marked_as_such_in_the_menu(page: Browser) -> None:
    here = world()
    given = authorised(here)
    signs_in(page, here.admin)
    marked = {
        "/school": "Home",
        "/school/apps": "Data sharing",
        f"/school/apps/{given.id}": "Data sharing",
        f"/school/apps/{given.id}/change": "Data sharing",
        "/school/review": "Data sharing",
        "/school/freeze": "Data sharing",
        "/school/record-of-processing": "Data sharing",
        "/school/conversion": "Data sharing",
        "/school/ledger": "Access ledger",
        "/school/ledger.csv?from=x": "Access ledger",
        "/school/admins": "Admins",
        "/account": "Account",
    }
    for path, item in marked.items():
        page.opens(path, 422 if "?" in path else 200)
        current = page.document.xpath("//nav[@aria-label='Main menu']//a[@aria-current]")
        assert [one.text_content().strip() for one in current] == [item], path


def test_pausing_warns_like_revoking(page: Browser) -> None:
    here = world()
    given = authorised(here)
    signs_in(page, here.admin)
    page.opens(f"/school/apps/{given.id}")
    for words, warns in (("Pause", True), ("Revoke", True), ("Change", False)):
        (button,) = page.document.xpath(f"//a[normalize-space(.)='{words}'][contains(@class, 'govuk-button')]")
        assert ("govuk-button--warning" in button.get("class")) == warns
    page.follows("Pause")
    (button,) = page.document.xpath("//button[normalize-space(.)='Pause']")
    assert "govuk-button--warning" in button.get("class")

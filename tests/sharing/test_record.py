"""The record of processing activities: Article 30's columns from what is authorised now."""

import csv
import io

from app.db import sessions
from app.models.account import DPO, IT
from app.models.authorisation import Authorisation
from app.models.partner import App, AppScope
from tests.factories import signs_in
from tests.pages import Browser
from tests.sharing.people import World, colleague, granted, world


def rows(page: Browser) -> list[dict[str, str]]:
    answered = page.client.get("/school/record-of-processing.csv")
    assert answered.status_code == 200 and answered.content.startswith(b"\xef\xbb\xbf")
    assert 'filename="record-of-processing-100001.csv"' in answered.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answered.content.decode("utf-8-sig"))))


def shared() -> World:
    here = world(name="=HYPERLINK(1)", retention="30 days")
    with sessions.begin() as db:
        row = db.get_one(AppScope, (here.app.id, "school"))
        row.purpose, row.legal_basis = "+1 to show your school", "Public task"
    with sessions.read() as db:
        return World(here.school, here.admin, db.get_one(App, here.app.id))


def test_the_record_says_what_article_30_asks_for(page: Browser) -> None:
    here = shared()
    colleague(here.school, DPO, name="Dora Officer")
    granted(here, "school", "email")
    signs_in(page, here.admin)

    school, email = rows(page)

    assert school["Controller"] == "Made-up Primary School 100001 (URN 100001)"
    assert school["Data protection officer"] == "Dora Officer"
    assert school["Processing activity"] == "'=HYPERLINK(1): Your school’s details"
    assert school["Purpose"] == "'+1 to show your school" and school["Lawful basis"] == "Public task"
    assert school["Categories of people"] == "Nobody: no personal data"
    assert email["Categories of people"] == "People of the school who sign in to the app"
    assert school["Recipient"].endswith("ICO registration ZA000001") and school["Time limit for erasure"] == "30 days"
    assert "10 minutes" in school["Security measures"] and school["State"] == "Active"
    page.opens("/school/apps")
    page.follows(["Record of processing activities", " from what is authorised now"][0])
    assert "Public task" in page.text and "Article 30" in page.text


def test_it_holds_what_was_agreed_to_and_only_what_is_in_force(page: Browser) -> None:
    here = shared()
    given = granted(here, "school")
    with sessions.begin() as db:
        db.get_one(AppScope, (here.app.id, "school")).purpose = "Something else"
    signs_in(page, here.admin)
    assert [row["Purpose"] for row in rows(page)] == ["'+1 to show your school"]
    with sessions.begin() as db:
        db.get_one(Authorisation, given.id).end(db, "revoked", here.admin.id)

    assert rows(page) == []
    page.opens("/school/record-of-processing")
    assert "Nothing is authorised" in page.text


def test_who_may_not_read_exports_nothing(page: Browser) -> None:
    here = shared()
    granted(here, "school")
    signs_in(page, colleague(here.school, IT))
    page.opens("/school/record-of-processing", 403)
    assert page.client.get("/school/record-of-processing.csv").status_code == 403
    signs_in(page, colleague(here.school, DPO))
    assert len(rows(page)) == 1

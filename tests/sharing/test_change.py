"""An app asks for something else: the school sees what is different, and the old authorisation goes on meanwhile."""

import datetime as dt

import pytest

from app.db import sessions
from app.models.account import DPO
from app.models.authorisation import Authorisation
from app.models.base import ago, now
from app.models.event import about
from app.models.partner import AppScope
from app.models.receipt import Receipt
from app.models.token import Token
from app.sharing import difference
from app.sharing.difference import ADDED, KEPT, REMOVED
from app.sharing.review import stop_sharing
from tests.factories import signs_in
from tests.oauth.dance import at_once
from tests.pages import Browser
from tests.sharing.control import notices, subjects
from tests.sharing.people import World, actions, carries, colleague, granted, lives, person, token, world


def agreed(here: World, *scopes: str) -> Authorisation:
    """Agreed to a day ago, before anything about the app changed."""
    given = granted(here, *scopes)
    with sessions.begin() as db:
        row = db.get_one(Authorisation, given.id)
        row.granted_at = ago(86_400)
        row.reviewed_at = None
        for wanted in row.app.scopes:
            wanted.changed_at = ago(2 * 86_400)
    return given


def asks(here: World, scope: str, **columns: object) -> None:
    with sessions.begin() as db:
        row = db.get_one(AppScope, (here.app.id, scope))
        for name, value in columns.items():
            setattr(row, name, value)
        row.changed_at = now()


def scopes(given: Authorisation) -> list[str]:
    with sessions.read() as db:
        return db.get_one(Authorisation, given.id).scopes


def receipts_of(given: Authorisation) -> list[Receipt]:
    with sessions.read() as db:
        return Receipt.of(db, given.id)


def test_words_that_were_added_and_removed_are_told_apart() -> None:
    assert difference.words("To show names", "To show names") == []
    assert difference.words("To show  names", "To show names of pupils") == [
        (KEPT, "To show"),
        (REMOVED, "  names"),
        (ADDED, " names of pupils"),
    ]
    marked = difference.words("a b c", "b c d")
    assert "".join(text for mark, text in marked if mark != ADDED) == "a b c"
    assert "".join(text for mark, text in marked if mark != REMOVED).split() == ["b", "c", "d"]
    assert difference.words("", "all new") == [(ADDED, "all new")]


def test_an_app_that_asks_for_more_is_told_of_and_reads_no_more_until_an_admin_decides(page: Browser) -> None:
    here = world()
    given = agreed(here, "school")
    held = token(given, here)
    signs_in(page, here.admin)
    page.opens("/school")
    assert "asks for more" not in page.text
    asks(here, "profile", required=True, purpose="To greet people")

    page.opens("/school")
    assert "Reading Room asks for more" in page.text
    assert scopes(given) == ["school"] and lives(held)
    page.follows("See what Reading Room asks for now")
    assert "now says that it needs more: Name of the person who signs in" in page.text
    page.ticks("Email address of the person who signs in")
    page.presses("Save Changes")

    assert page.path == f"/school/apps/{given.id}?done=changed"
    assert "Saved: what Reading Room may read has changed" in page.text
    assert scopes(given) == ["school", "profile", "email"] and lives(held)
    assert carries(Token, held) == "school"
    assert notices()[-1] == "authorisation.changed"
    page.opens("/school")
    assert "asks for more" not in page.text


def test_a_purpose_that_reads_differently_is_shown_with_its_words_marked(page: Browser) -> None:
    here = world()
    given = agreed(here, "school", "email")
    asks(here, "email", purpose="To <b>sell</b> your email in Reading Room")
    signs_in(page, here.admin)

    page.opens("/school")
    page.follows("See what Reading Room asks for now")

    added, removed = page.document.xpath("//ins"), page.document.xpath("//del")
    assert "<b>sell</b>" in added[0].text_content() and "added:" in added[0].text_content()
    assert "show" in removed[0].text_content() and "removed:" in removed[0].text_content()
    assert "To show your email in Reading Room" in page.text
    page.opens(f"/school/apps/{given.id}")
    assert "<b>sell</b>" not in page.text.split("What it may read")[1]
    page.opens(f"/school/apps/{given.id}/change")
    page.presses("Save Changes")
    assert "<b>sell</b>" in page.text.split("What it may read")[1]


def test_keeping_what_was_agreed_before_changes_nothing_and_asks_no_more(page: Browser) -> None:
    here = world()
    given = agreed(here, "school")
    asks(here, "email", required=True)
    signs_in(page, here.admin)
    page.opens(f"/school/apps/{given.id}/change")

    page.presses("Keep what was agreed before")

    assert "Kept: Reading Room goes on as before" in page.text and "asks for more" not in page.text
    assert scopes(given) == ["school"] and actions(here)[0] == "authorisation.kept"
    assert notices() == ["authorisation.granted"]


def test_saving_what_was_agreed_to_already_is_no_change_and_tells_nobody(page: Browser) -> None:
    here = world()
    given = agreed(here, "school", "email")
    signs_in(page, here.admin)
    mails, receipts = len(subjects()), len(receipts_of(given))
    page.opens(f"/school/apps/{given.id}/change")
    page.presses("Save Changes")

    assert "Nothing was changed: Reading Room goes on as before" in page.text and "Saved:" not in page.text
    assert "Kept as it was agreed to before" in page.text and "new end date" not in page.text
    assert actions(here)[0] == "authorisation.kept" and notices() == ["authorisation.granted"]
    assert len(subjects()) == mails and len(receipts_of(given)) == receipts

    page.opens(f"/school/apps/{given.id}/change")
    page.document.get_element_by_id("scope-email").attrib.pop("checked")
    page.presses("Save Changes")
    assert "Saved: what Reading Room may read has changed" in page.text and scopes(given) == ["school"]
    assert notices()[-1] == "authorisation.changed" and len(receipts_of(given)) == receipts + 1


def test_other_words_for_the_same_data_are_a_change_and_the_history_says_which(page: Browser) -> None:
    here = world()
    given = agreed(here, "school", "email")
    asks(here, "email", purpose="To write to you")
    signs_in(page, here.admin)
    page.opens(f"/school/apps/{given.id}/change")
    page.presses("Save Changes")

    assert "Saved: what Reading Room may read has changed" in page.text
    assert "Agreed to what the app says now about the same data" in page.text and "new end date" not in page.text
    page.opens(f"/school/apps/{given.id}/change")
    page.presses("Save Changes")
    assert "Nothing was changed" in page.text
    assert notices().count("authorisation.changed") == 1


def test_what_is_not_shared_cannot_be_stopped_and_nothing_is_said_of_it(page: Browser) -> None:
    here = world()
    given = agreed(here, "school", "email")
    signs_in(page, here.admin)
    for scope in ("profile", "nonsense", ""):
        page.posts(f"/school/apps/{given.id}/stop", scope=scope)
        assert page.path == f"/school/apps/{given.id}" and "Saved:" not in page.text
    page.posts(f"/school/apps/{given.id}/stop", scope="email")
    assert "Saved: what Reading Room may read has changed" in page.text and scopes(given) == ["school"]


def test_what_was_not_shown_is_not_agreed_to(page: Browser) -> None:
    here = world()
    given = agreed(here, "school")
    signs_in(page, here.admin)
    page.opens(f"/school/apps/{given.id}/change")
    asks(here, "profile", required=True)

    page.presses("Save Changes", 409)
    assert "has changed since you opened this page" in page.text and scopes(given) == ["school"]
    page.posts(f"/school/apps/{given.id}/change", 409, decision="save")
    assert scopes(given) == ["school"]

    page.presses("Save Changes")
    assert scopes(given) == ["school", "profile"]


def test_what_is_asked_for_no_more_ends_when_saved(page: Browser) -> None:
    here = world()
    given = agreed(here, "school", "email")
    held = token(given, here, "school email")
    with sessions.begin() as db:
        db.delete(db.get_one(AppScope, (here.app.id, "email")))
    signs_in(page, here.admin)
    page.opens(f"/school/apps/{given.id}/change")
    assert "What Reading Room no longer asks for" in page.text
    assert scopes(given) == ["school", "email"]

    page.presses("Save Changes")

    assert scopes(given) == ["school"] and carries(Token, held) == "school"
    assert subjects()[-1] == "Made-up Primary School 100001 shares less data with Reading Room"
    with sessions.read() as db:
        assert about(db, here.school.id, [given.id])[0].detail["before"] == ["school", "email"]


def test_optional_data_is_taken_away_and_the_end_stays(page: Browser) -> None:
    here = world()
    given = agreed(here, "school", "email")
    signs_in(page, here.admin)
    with sessions.begin() as db:
        end = db.get_one(Authorisation, given.id).expires_at
    page.opens(f"/school/apps/{given.id}")
    page.follows("Change")
    page.document.get_element_by_id("scope-email").attrib.pop("checked")
    page.presses("Save Changes")

    assert scopes(given) == ["school"]
    with sessions.read() as db:
        assert db.get_one(Authorisation, given.id).expires_at == end


def test_nothing_at_all_is_no_choice(page: Browser) -> None:
    here = world()
    given = agreed(here, "email")
    asks(here, "school", required=False)
    signs_in(page, here.admin)
    page.opens(f"/school/apps/{given.id}/change")
    page.document.get_element_by_id("scope-email").attrib.pop("checked")

    page.presses("Save Changes", 422)
    assert "Choose at least one, or revoke" in page.text and scopes(given) == ["email"]
    page.ticks("Your school’s details")
    page.presses("Save Changes")
    assert scopes(given) == ["school"]


def test_only_an_admin_decides_and_nobody_about_what_has_ended(page: Browser) -> None:
    here = world()
    given = agreed(here, "school")
    asks(here, "email", required=True)
    signs_in(page, colleague(here.school, DPO))
    page.opens("/school")
    page.follows("See what Reading Room asks for now")
    assert page.path == f"/school/apps/{given.id}" and "Until an Admin decides" in page.text
    page.opens(f"/school/apps/{given.id}/change", 403)
    signs_in(page, here.admin)
    page.opens(f"/school/apps/{given.id}/change")
    shown = page.document.xpath("//input[@name='shown']/@value")[0]
    page.posts(f"/school/apps/{given.id}/revoke")

    page.posts(f"/school/apps/{given.id}/change", decision="save", shown=shown)
    page.opens(f"/school/apps/{given.id}/change")

    assert page.title == "Reading Room Revoked" and scopes(given) == ["school"]


def test_several_who_stop_sharing_different_data_at_once_all_do() -> None:
    here = world()
    given = agreed(here, "school", "openid", "profile", "email")

    def act(number: int) -> None:
        scope = ("openid", "profile", "email")[number % 3]
        with sessions.begin() as db:
            who = person(db, here.admin)
            stop_sharing(db, person=who, school=here.school, authorisation_id=given.id, scope=scope)

    at_once(6, act)

    assert scopes(given) == ["school"] and notices().count("authorisation.changed") == 3


@pytest.mark.parametrize("days", [1, 400])
def test_an_app_that_has_not_changed_asks_nothing(page: Browser, days: int) -> None:
    here = world()
    given = agreed(here, "school")
    with sessions.begin() as db:
        db.get_one(Authorisation, given.id).granted_at = now() - dt.timedelta(days=days)
        for row in db.get_one(Authorisation, given.id).app.scopes:
            row.changed_at = now() - dt.timedelta(days=days + 1)
    signs_in(page, here.admin)

    page.opens(f"/school/apps/{given.id}/change")
    assert "asks for nothing else than when your school agreed" in page.text
    page.opens("/school")
    assert "asks for more" not in page.text

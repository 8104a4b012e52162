"""The wizard by hand: every step, what it keeps, Finish, and what a second run finds to do."""

import csv
import io
import uuid
from typing import Any

import pytest

from app.db import sessions
from app.models.app_user import AppUser
from app.models.authorisation import Authorisation
from app.models.base import ago
from app.models.sync import Sync
from app.secrets import unseal
from app.sync import cards, passwords, service
from app.sync.facts import Duplicate
from tests.pages import Browser
from tests.roster.school_data import School as Export
from tests.sync.here import Here, finishes, here


@pytest.fixture
def there(browser: Browser) -> Here:
    made = here()
    made.signs_in(browser)
    return made


def test_a_school_goes_through_every_step_and_its_people_have_users(browser: Browser, there: Here) -> None:
    browser.opens("/school/sync")
    browser.follows("Reading Room")
    browser.follows("Start")
    browser.follows("Go on without")
    assert "Class names" in browser.title
    browser.presses("Next")
    assert "→" in browser.text, "examples of the school's own names"
    browser.ticks("First letter of forename and surname")
    browser.presses("Next")
    browser.fills("Year 7 (8)", "Two Digit Picture Pin, such as 46")
    browser.presses("Next")
    browser.presses("Next")
    browser.presses("Next")
    assert "New pupils: 24" in browser.text and f"New staff: {len(there.export.forms)}" in browser.text

    browser.presses("Finish")

    assert "Sync of" in browser.title
    users = there.users()
    assert len(users) == 24 + len(there.export.forms)
    first = there.export.pupils[0]
    [mine] = [one for one in users.values() if one.upn == first.upn]
    assert mine.username.startswith("ZBronte") and (first.given, first.family) == ("Zoë", "Brontë")
    assert mine.classes == [first.form] and mine.year == f"Year {first.year}"
    young = [one for one in users.values() if one.year == "Year 7"]
    told = [unseal(one.password_sealed or "", passwords.PURPOSE) for one in young]
    assert {len(one) for one in told} == {2}
    assert all(one.password_sealed is None for one in users.values() if one.kind == "staff")
    browser.opens(there.path)
    assert "(done)" in browser.text and there.sender.admin.name in browser.text


def test_a_second_run_shows_only_what_is_different(browser: Browser, there: Here) -> None:
    finishes(browser, there)
    before = there.users()
    browser.opens(f"{there.path}/summary")
    assert "Nothing has to be done" in browser.text
    assert not [button for button in browser.document.iter("button") if button.text_content().strip() == "Finish"]

    changed = Export(24)
    changed.pupils[0].form = changed.pupils[1].form
    changed.pupils[2].family = "Married"
    leaver = changed.pupils.pop(5)
    there.sends(changed)
    browser.opens(f"{there.path}/summary")
    assert "Pupils who change class: 1" in browser.text and "Pupils whose details change: 1" in browser.text
    assert "Leavers: 1" in browser.text and "New pupils: 0" in browser.text
    browser.presses("Finish")

    after = there.users()
    assert after.keys() == before.keys(), "nobody gets another name, and nobody is deleted"
    assert [one.upn for one in after.values() if one.is_archived] == [leaver.upn]
    assert {one.password_digest for one in before.values()} == {one.password_digest for one in after.values()}
    assert there.plan().is_empty


def test_a_summary_that_is_out_of_date_does_nothing(browser: Browser, there: Here) -> None:
    browser.opens(f"{there.path}/summary")
    told = browser.document.xpath("//input[@name='plan']")[0].get("value")
    there.sends(Export(26))

    browser.presses("Finish", 409)

    assert "The summary has changed" in browser.text and not there.users()
    with pytest.raises(service.Changed), sessions.begin(school=there.sender.school.id) as db:
        service.finish(db, there.sender.school, there.app.id, there.sender.admin, told)
    browser.presses("Finish")
    assert len(there.users()) == 26 + len(there.export.forms)


def test_finish_pressed_twice_makes_everybody_once(browser: Browser, there: Here) -> None:
    browser.opens(f"{there.path}/summary")
    told = browser.document.xpath("//input[@name='plan']")[0].get("value")
    browser.presses("Finish")
    browser.posts(f"{there.path}/summary/finish", 409, plan=told)
    assert len(there.users()) == 24 + len(there.export.forms)
    with sessions.read() as db:
        assert len(Sync.newest(db, there.sender.school.id, there.app.id)) == 1


def test_users_of_the_app_keep_their_names_and_a_doubt_is_asked_about(browser: Browser, there: Here) -> None:
    one, two = there.export.pupils[0], there.export.pupils[1]
    listed = (
        "Username,ID,Forename,Surname,UPN,Class\n"
        f"old.name,u1,{one.given},{one.family},{one.upn},Class 7a\n"
        f"second,u2,{two.given},{two.family},,\n"
    )
    browser.opens(f"{there.path}/existing")
    answer = browser.client.post(f"{there.path}/existing", files={"file": ("users.csv", listed.encode())})
    assert answer.status_code == 303, answer.text
    browser.opens(answer.headers["location"])
    assert "Rename Class 7a (1 users) to" in browser.text
    browser.presses("Next")
    browser.opens(f"{there.path}/summary")
    assert "Possible Duplicates: 3" in browser.text, "so many are called that"

    browser.presses("Resolve all duplicates")
    assert "Possible Duplicates: 0" in browser.text
    browser.presses("Finish")

    users = there.users()
    assert users["old.name"].upn == one.upn and users["second"].person_id is not None
    assert users["old.name"].outside_id == "u1" and users["old.name"].classes == [one.form]
    assert users["old.name"].password_digest is None, "it keeps the password that it has in the app"
    assert len(users) == 24 + len(there.export.forms)
    assert there.plan().is_empty and not there.plan().duplicates


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Choose a file first"),
        (b"Name,Class\nAnn,7A\n", "one of them must be Username"),
        (b"Username\nann\n\xff\xfe\x00\x00", "no CSV"),
        (b"Username,Class\nann,7A\n,7B\n", "Line 3 has no username"),
        (b"Username\nann\nANN\n", "Line 3: the username ANN stands on an earlier line too"),
    ],
)
def test_a_list_that_cannot_be_read_says_why(browser: Browser, there: Here, content: bytes, said: str) -> None:
    answer = browser.client.post(f"{there.path}/existing", files={"file": ("users.csv", content)})
    assert answer.status_code == 422 and said in answer.text and not there.users()

    good = browser.client.post(f"{there.path}/existing", files={"file": ("users.csv", b"Username\nann\n")})
    assert good.status_code == 303 and there.users().keys() == {"ann"}


def test_what_is_wrong_with_somebody_stands_beside_the_name_and_finish_goes_on(browser: Browser, there: Here) -> None:
    export = Export(24)
    lost = export.pupils[3]
    lost.form = ""
    there.sends(export)
    browser.opens(f"{there.path}/summary")
    assert "Users who will not be imported due to errors: 1" in browser.text
    assert f"{lost.given} {lost.family}" in browser.text and "No registration group" in browser.text
    browser.presses("Finish")
    assert len(there.users()) == 23 + len(there.export.forms)


def test_cards_and_lists_show_each_password_once(browser: Browser, there: Here) -> None:
    finishes(browser, there)
    title = there.export.forms[0]

    printed = browser.client.post(f"{there.path}/users/cards", data={"class": title, "layout": "eight"})
    assert printed.headers["content-type"] == "application/pdf" and printed.content.startswith(b"%PDF")
    assert printed.headers["cache-control"] == "no-store"
    again = browser.client.post(f"{there.path}/users/cards", data={"class": title})
    assert again.status_code == 422 and "Reset their passwords first" in again.text

    answer = browser.client.post(f"{there.path}/users/csv", data={"class": ""})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    waiting = [one for one in there.export.pupils if one.form != title]
    assert len(rows) == len(waiting) and all(row["First password"] for row in rows)
    users = there.users()
    row = rows[0]
    assert passwords.matches(users[row["Username"]].id, row["First password"], users[row["Username"]].password_digest)


def test_of_two_who_print_at_once_one_gets_the_cards(
    browser: Browser, there: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    finishes(browser, there)
    title, made = there.export.forms[0], cards.pdf

    def slowly(*told: Any) -> bytes:
        monkeypatch.setattr(cards, "pdf", made)
        other = browser.client.post(f"{there.path}/users/cards", data={"class": title})
        assert other.content.startswith(b"%PDF")
        return made(*told)

    monkeypatch.setattr(cards, "pdf", slowly)
    late = browser.client.post(f"{there.path}/users/cards", data={"class": ""})

    assert late.status_code == 409 and "handed out, or made anew, a moment ago" in late.text
    rest = browser.client.post(f"{there.path}/users/cards", data={"class": ""})
    assert rest.content.startswith(b"%PDF"), "nobody else's password was lost"


def test_a_class_gets_new_passwords_and_its_cards_again(browser: Browser, there: Here) -> None:
    finishes(browser, there)
    title = there.export.forms[0]
    browser.client.post(f"{there.path}/users/cards", data={"class": title})
    before = there.users()

    browser.opens(f"{there.path}/users")
    browser.fills("Class", title)
    browser.presses("Reset passwords of this class")

    assert "New passwords were made" in browser.text
    changed = {name for name, user in there.users().items() if user.password_digest != before[name].password_digest}
    assert changed == {name for name, user in before.items() if title in user.classes and user.kind == "pupil"}
    printed = browser.client.post(f"{there.path}/users/cards", data={"class": title})
    assert printed.content.startswith(b"%PDF")


def test_a_pupil_added_by_hand_is_recognised_once_the_mis_has_them(browser: Browser, there: Here) -> None:
    finishes(browser, there)
    late = Export(25).pupils[24]
    browser.opens(f"{there.path}/users")
    browser.follows("Add a pupil")
    browser.presses("Add", 422)
    assert "Enter the pupil’s first name" in browser.text
    browser.fills("First name", late.given)
    browser.fills("Surname", late.family)
    browser.fills("UPN (optional)", late.upn)
    browser.fills("Class", late.form)
    browser.presses("Add")
    assert "Added" in browser.text
    [mine] = [one for one in there.users().values() if one.upn == late.upn]

    there.sends(Export(25))
    finishes(browser, there)

    after = there.users()
    assert after[mine.username].person_id is not None and len(after) == 25 + len(there.export.forms)


def test_an_app_that_the_school_has_not_authorised_is_not_there(browser: Browser, there: Here) -> None:
    browser.opens(f"/school/sync/{uuid.uuid4()}", 404)
    with sessions.begin() as db:
        given = Authorisation.active(db, there.sender.school.id, there.app.id)
        assert given and given.pause(db, there.sender.admin.id, "", None)
    browser.opens(f"{there.path}/summary", 404)
    with sessions.begin() as db:
        given = Authorisation.active(db, there.sender.school.id, there.app.id)
        assert given and given.resume(db)
    browser.opens(f"{there.path}/summary")


def test_whoever_is_kept_from_an_app_gets_no_user_there(browser: Browser) -> None:
    made = here(scopes=("school", "students", "groups"))
    made.signs_in(browser)
    browser.opens(f"{made.path}/summary")
    assert "New staff: 0" in browser.text
    finishes(browser, made)
    assert all(not one.upn and not one.email for one in made.users().values()), "what is not shared is not used"


def test_names_rest_for_a_year(there: Here) -> None:
    with sessions.begin(school=there.sender.school.id) as db:
        facts = {"school_id": there.sender.school.id, "app_id": there.app.id, "kind": "pupil", "origin": "sync"}
        for name, days in (("Newly1", 364), ("Longago1", 366)):
            db.add(AppUser(username=name, username_key=name.casefold(), archived_at=ago(days * 86_400), **facts))
        db.flush()
        AppUser.free_names(db, there.sender.school.id, there.app.id)
    assert {name: one.username_key for name, one in there.users().items()} == {"Newly1": "newly1", "Longago1": None}


def test_a_school_with_many_doubts_is_asked_about_some_at_a_time(browser: Browser) -> None:
    made = here(80)
    made.signs_in(browser)
    rows = "".join(f"old{place},{one.given},{one.family}\n" for place, one in enumerate(made.export.pupils[:60]))
    content = f"Username,Forename,Surname\n{rows}".encode()
    assert browser.client.post(f"{made.path}/existing", files={"file": ("u.csv", content)}).status_code == 303
    browser.opens(f"{made.path}/summary")
    assert "Possible Duplicates: 80" in browser.text and "And 30 more" in browser.text
    browser.posts(f"{made.path}/summary/duplicates", **{f"person-{one.person}": "new" for one in _asked(made)})
    assert "Possible Duplicates: 30" in browser.text and "New pupils: 50" in browser.text


def _asked(of: Here) -> list[Duplicate]:
    return list(of.plan().duplicates[:50])

"""The school's pages about its data: uploads, what waits, agents, who may do what."""

import hashlib
import io
import re
import zipfile
from typing import Any

import pytest
from lxml import html
from sqlalchemy import update

from app.db import sessions
from app.endpoint import hearing
from app.models.account import ADMIN, DPO, IT, READ_ONLY
from app.models.base import ago
from app.models.endpoint import Endpoint
from app.models.roster.batch import ACCEPTED, CANCELLED, HELD, REFUSED, Batch
from app.models.roster.head import Roster
from app.roster import intake
from app.settings import ROOT
from app.web.pages import when
from tests import factories
from tests.endpoint.machine import Machine
from tests.pages import Browser
from tests.roster.school_data import School as Export
from tests.roster.school_data import changed
from tests.roster.sending import Sender
from tests.signin.people import signs_in


@pytest.fixture
def here(browser: Browser) -> Sender:
    """A school whose Admin is signed in."""
    made = Sender()
    signs_in(browser, made.admin)
    return made


def uploads(browser: Browser, content: bytes, name: str = "school.zip", status: int = 200) -> None:
    """As the form sends it without JavaScript."""
    answer = browser.client.post("/school/endpoint/upload", files={"file": (name, content)})
    if answer.status_code == 303:
        browser.opens(answer.headers["location"], status)
    else:
        assert answer.status_code == status
        browser.document = html.document_fromstring(answer.text)


def posts(browser: Browser, path: str, **fields: str) -> Any:
    """As the script of the page does."""
    return browser.client.post(path, data=fields)


def newest(of: Sender) -> Batch:
    with sessions.read() as db:
        return Batch.newest(db, of.school.id)[0]


def proves(browser: Browser) -> None:
    if "/account/confirm" in browser.path:
        browser.fills("Password", factories.PASSWORD)
        browser.presses("Continue")


def test_a_school_without_data_is_told_what_to_do(browser: Browser, here: Sender) -> None:
    browser.opens("/school/endpoint")
    assert "No data has come yet" in browser.text and "No agent is installed" in browser.text
    browser.follows("Install the agent")
    assert "gatehouse_agent-" in browser.text and "sha256=" in browser.text


def test_a_file_that_is_uploaded_is_read_and_shows_what_it_changed(browser: Browser, here: Sender) -> None:
    uploads(browser, Export().oneroster())
    assert "It is being read" in browser.text
    intake.work()

    browser.opens(browser.path)

    assert "Taken in" in browser.text and "OneRoster" in browser.text
    assert "We found nothing wrong with it" in browser.text
    browser.opens("/school/endpoint")
    assert "pupils, staff and contacts" in browser.text and "school.zip" in browser.text


def test_no_file_and_an_empty_one_are_refused_beside_the_field(browser: Browser, here: Sender) -> None:
    uploads(browser, b"", "", 422)
    assert "Choose a file first" in browser.text
    uploads(browser, b"  \n", "empty.csv")
    intake.work()
    browser.opens(browser.path)
    assert "There is nothing in it" in browser.text


def test_a_refused_file_shows_file_line_column_and_reason(browser: Browser, here: Sender) -> None:
    uploads(browser, changed(Export().oneroster(), "users.csv", "pup-6,", "pup-7,"))
    intake.work()
    browser.opens(browser.path)
    assert "Not taken in" in browser.text and "users.csv" in browser.text and "sourcedId" in browser.text
    assert "stands in an earlier line too" in browser.text
    assert newest(here).state == REFUSED


def test_a_held_upload_is_taken_in_by_an_admin(browser: Browser, here: Sender) -> None:
    export = Export(60)
    here.sends(export.oneroster())
    del export.pupils[30:]
    here.sends(export.oneroster())
    browser.opens("/school/endpoint")
    assert "An upload waits for you" in browser.text
    browser.follows(f"school.zip, sent {when(newest(here).begun_at)}")
    assert "30 of 60 pupils would be gone." in browser.text
    browser.presses("Take it in")
    intake.work()
    assert newest(here).state == ACCEPTED


def test_a_held_upload_can_be_left_out(browser: Browser, here: Sender) -> None:
    export = Export(60)
    here.sends(export.oneroster())
    del export.pupils[30:]
    held = here.sends(export.oneroster())
    browser.opens(f"/school/endpoint/batches/{held.id}")
    browser.presses("Leave it out")
    assert here.batch(held.id).state == CANCELLED
    assert "Left out" in browser.text


def test_somebody_who_may_be_known_already_is_asked_about(browser: Browser, here: Sender) -> None:
    heading = "Staff Code,Surname,Forename,Role,Work Email\n"
    rows = "".join(f"S{one},Family{one},Given{one},Teacher,s{one}@school.example\n" for one in range(30))
    here.sends(f"{heading}{rows}AL,Lee,Ann,Teacher,ann@school.example\n".encode(), "staff.csv")
    before = here.people()["s:AL"]
    held = here.sends(f"{heading}{rows}ALE,Lee,Ann,Teacher,lee@school.example\n".encode(), "staff.csv")
    assert held.state == HELD

    browser.opens(f"/school/endpoint/batches/{held.id}")

    assert "Who is Ann Lee" in browser.text and "The same as Ann Lee" in browser.text
    browser.presses("Take it in", 422)
    assert "Say who Ann Lee" in browser.text
    browser.ticks("The same as Ann Lee (staff)")
    browser.presses("Take it in")
    intake.work()
    assert here.people()["s:ALE"] == before


def test_columns_are_explained_once_and_then_known(browser: Browser, here: Sender) -> None:
    content = b"Vorname,Nachname,Klasse,Nummer\nAnn,Lee,7A,1\n"
    uploads(browser, content, "pupils.csv")
    intake.work()
    browser.opens(browser.path)
    assert "What do its columns mean?" in browser.text and "Such as Ann" in browser.text
    browser.presses("Save Changes", 422)
    assert "Say which column is the first name" in browser.text
    meant = {
        "Vorname": "First name",
        "Nachname": "Surname",
        "Klasse": "Registration group",
        "Nummer": "Admission number",
    }
    for column, field in meant.items():
        browser.fills(column, field)
    browser.presses("Save Changes")
    intake.work()
    assert newest(here).state == ACCEPTED
    assert here.sends(content.replace(b"Ann", b"Bob"), "pupils.csv").state == ACCEPTED


def test_the_script_sends_a_file_in_parts_and_goes_on_where_it_stopped(browser: Browser, here: Sender) -> None:
    content = b"Adm No,Surname,Forename,Form\n" + b"".join(b"%d,Lee,Ann%d,7A\n" % (one, one) for one in range(60_000))
    about = {"name": "pupils.csv", "size": str(len(content)), "sha256": hashlib.sha256(content).hexdigest()}
    begun = posts(browser, "/school/endpoint/uploads", **about).json()
    assert begun["chunks"] > 1 and begun["have"] == []
    part = begun["chunk_bytes"]
    address = f"/school/endpoint/uploads/{begun['id']}"
    assert browser.client.put(f"{address}/0", content=content[:part]).status_code == 204
    assert posts(browser, "/school/endpoint/uploads", **about).json()["have"] == [0]
    assert "Parts of the file are missing" in posts(browser, f"{address}/complete").json()["problem"]
    for position in range(1, begun["chunks"]):
        sent = content[position * part : (position + 1) * part]
        assert browser.client.put(f"{address}/{position}", content=sent).status_code == 204
    done = posts(browser, f"{address}/complete").json()
    assert done == {"next": f"/school/endpoint/batches/{begun['id']}"}
    too_big = posts(browser, "/school/endpoint/uploads", **(about | {"size": "99999999999"}))
    assert (too_big.status_code, "too large" in too_big.json()["problem"]) == (413, True)


def test_an_agent_is_seen_and_removed_after_proof(machine: Machine) -> None:
    browser = machine.agent.browser
    machine.beats(state="failing", problem="The folder D:/Export is not there.")
    browser.opens("/school/endpoint")
    assert "Failing" in browser.text and "The folder D:/Export is not there." in browser.text
    browser.follows("Remove the agent on SIMS-SERVER")
    proves(browser)
    browser.presses("Remove")
    assert "The agent was removed" in browser.text
    assert machine.beats().status_code == 401


def test_what_was_switched_off_on_purpose_is_not_late(browser: Browser, here: Sender) -> None:
    here.sends(Export().oneroster())
    with sessions.begin() as db:
        db.execute(update(Roster).values(accepted_at=ago(5 * 86_400)))
    browser.opens("/school/endpoint")
    assert "Late" in browser.text
    browser.presses("We switched this off on purpose")
    assert "Noted: your school sends no data on purpose" in browser.text
    assert late() == 0
    browser.opens("/school/endpoint")
    browser.presses("We send data again")
    assert late() == 1 and late() == 0


def late() -> int:
    with sessions.begin() as db:
        return hearing.tell_of_late_data(db)


def test_how_often_data_is_expected_is_the_schools_choice(browser: Browser, here: Sender) -> None:
    here.sends(Export().oneroster())
    with sessions.begin() as db:
        db.execute(update(Roster).values(accepted_at=ago(3 * 86_400)))
    browser.opens("/school/endpoint")
    browser.fills("How often does your school send data?", "Every week")
    browser.presses("Save Changes")
    assert late() == 0
    browser.fills("How often does your school send data?", "Every day")
    browser.presses("Save Changes")
    assert late() == 1


def test_another_schools_batches_and_agents_are_as_good_as_absent(machine: Machine, other_browser: Browser) -> None:
    other = Sender(100002)
    signs_in(other_browser, other.admin)
    batch = machine.sends(b"something")
    with sessions.read() as db:
        [endpoint] = Endpoint.of_school(db, machine.agent.school.id)
    other_browser.opens(f"/school/endpoint/batches/{batch}", 404)
    other_browser.posts(f"/school/endpoint/batches/{batch}/cancel", 404)
    assert other_browser.client.put(f"/school/endpoint/uploads/{batch}/0", content=b"something").status_code == 404
    other_browser.opens(f"/school/endpoint/agents/{endpoint.id}/remove", 404)
    machine.agent.browser.opens(f"/school/endpoint/batches/{batch}")


@pytest.mark.parametrize(("role", "sends", "decides", "named"), [
    (ADMIN, True, True, True), (IT, True, False, True), (DPO, False, False, True), (READ_ONLY, False, False, False),
])  # fmt: skip
def test_who_may_send_decide_and_read_names(
    browser: Browser, role: str, sends: bool, decides: bool, named: bool
) -> None:
    here = Sender()
    export = Export(60)
    export.pupils[0].upn = ""
    here.sends(export.oneroster())
    del export.pupils[30:]
    held = here.sends(export.oneroster())
    with sessions.begin() as db:
        who = factories.admin(db, here.school, role)
    signs_in(browser, who)

    browser.opens(f"/school/endpoint/batches/{held.id}")

    assert ("Take it in" in browser.text) == decides
    assert ("Leave it out" in browser.text) == sends
    assert ("Who they are" in browser.text) == named
    refused = 403
    if not sends:
        browser.opens("/school/endpoint/upload", refused)
        browser.posts(f"/school/endpoint/batches/{held.id}/cancel", refused)
    if not decides:
        browser.posts(f"/school/endpoint/batches/{held.id}/confirm", refused)
    assert here.batch(held.id).state == HELD


def test_the_page_and_the_documentation_say_alike_how_the_agent_runs_by_itself(browser: Browser, here: Sender) -> None:
    browser.opens("/school/endpoint/install")
    written = {line.strip() for line in (ROOT / "docs/agent.md").read_text().splitlines()}
    blocks = [browser.document.get_element_by_id(name) for name in ("windows-service", "linux-service")]
    shown = {line for block in blocks for line in block.text_content().splitlines() if line}
    assert len(shown) > 15 and shown <= written


def test_the_wheel_is_what_its_checksum_says_and_names_its_command(browser: Browser, here: Sender) -> None:
    browser.opens("/school/endpoint/install")
    found = re.search(r"/agent/([^#]+\.whl)#sha256=([0-9a-f]{64})", browser.text)
    assert found
    answered = browser.client.get(f"/agent/{found[1]}")
    assert hashlib.sha256(answered.content).hexdigest() == found[2]
    with zipfile.ZipFile(io.BytesIO(answered.content)) as opened:
        names = opened.namelist()
        entry = opened.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    assert "gatehouse_agent/cli.py" in names and "gatehouse-agent = gatehouse_agent.cli:main" in entry
    assert not any(name.startswith("app/") for name in names)
    assert browser.client.get("/agent/other-1-py3-none-any.whl").status_code == 404

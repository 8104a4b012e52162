"""The page of a school tells in words what was decided about it, whatever part of the product wrote it down."""

import ast
import re
from collections.abc import Iterator

from app import audit
from app.db import sessions
from app.models.school import VERIFIED
from app.onboarding import trail
from app.settings import ROOT
from app.sharing.changes import KINDS
from tests import factories
from tests.onboarding.people import Opens, operator

EVENT = re.compile(r"[a-z]+\.[a-z_]*")
# Whose words are put together: f"authorisation.{kind}" of sharing.changes, f"invitation.{what}" of sharing.invitations.
PUT_TOGETHER = {"authorisation.", "invitation."}


def texts(node: ast.AST) -> set[str]:
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == name:
            yield node


def recorded() -> set[str]:
    """Every event that app/ records with a school: as it is written, or whatever in the module looks like one."""
    found: set[str] = set()
    for path in sorted((ROOT / "app").rglob("*.py")):
        tree = ast.parse(path.read_text())
        for call in calls(tree, "record"):
            if len(call.args) < 2 or all(given.arg != "school" for given in call.keywords):
                continue
            event = call.args[1]
            found |= texts(event)
            if isinstance(event, ast.Name):
                found |= {text for text in texts(tree) if EVENT.fullmatch(text)}
        if path.match("sharing/invitations.py"):
            found |= {f"invitation.{text}" for call in calls(tree, "_record") for text in texts(call.args[2])}
    return found | {f"authorisation.{kind}" for kind in KINDS if kind not in ("changed", "renewed")}  # granted anew


def test_every_event_about_a_school_has_words_and_no_words_are_left_over() -> None:
    found = recorded()

    assert {event for event in found if event.endswith(".")} == PUT_TOGETHER
    assert sorted(found - PUT_TOGETHER - trail.WORDS.keys()) == []
    assert sorted(trail.WORDS.keys() - found) == []


def test_the_page_of_a_school_says_what_happened_in_words(as_: Opens) -> None:
    with sessions.begin() as db:
        school = factories.school(db, status=VERIFIED)
        for event in ("school.frozen", "deletion.attested"):
            audit.record(db, event, actor=None, school=school.id)
    browser = as_(operator("caller"))
    browser.opens(f"/onboarding/schools/{school.id}")

    assert "School stopped all data sharing" in browser.text and "Partner said that it deleted" in browser.text
    assert "school.frozen" not in browser.text

"""The development outbox: for people and programs in development and test, and nowhere else."""

import pytest

from app.db import sessions
from app.models.base import now
from app.models.outbox import Message
from app.notify.outbox import EMAIL, deliver_due, enqueue
from app.settings import settings
from tests.pages import Browser


def send(subject: str, text: str = "Hello <b>you</b>\n") -> None:
    with sessions.begin() as db:
        enqueue(db, EMAIL, "ada@school.example", subject, text, links=[f"{settings.issuer}/sign-in"])
    assert deliver_due() == 1


def test_the_list_for_programs_is_oldest_first(browser: Browser) -> None:
    send("First")
    send("Second")
    listed = browser.client.get("/dev/outbox.json")
    assert listed.headers["content-type"] == "application/json"
    newest = listed.json()[-2:]
    assert [message["subject"] for message in newest] == ["First", "Second"]
    assert {"channel", "to", "subject", "text", "links", "sent_at"} <= newest[0].keys()


def test_the_page_is_newest_first_with_links_to_follow(browser: Browser) -> None:
    send("First")
    send("Second", f"Hello <b>you</b>\n\n{settings.issuer}/sign-in\n")
    browser.opens("/dev/outbox")
    assert browser.text.index("Second") < browser.text.index("First")
    assert "Hello <b>you</b>" in browser.text
    browser.follows(f"{settings.issuer}/sign-in")
    assert browser.path.startswith("/sign-in")


def test_the_page_shows_dead_letters(browser: Browser) -> None:
    with sessions.begin() as db:
        db.add(Message(channel=EMAIL, sealed="x", next_try_at=None, failed_at=now(), tries=40, last_error="550 no"))
    browser.opens("/dev/outbox")
    assert "Could not be delivered" in browser.text and "550 no" in browser.text and "40 tries" in browser.text


@pytest.mark.parametrize("path", ["/dev/outbox", "/dev/outbox.json"])
def test_it_does_not_exist_in_production(browser: Browser, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(settings, "environment", "production")
        browser.opens(path, status=404)
    browser.opens(path)

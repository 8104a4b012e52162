"""What the messages say, to whom, and what nobody can make them say."""

from typing import Any

import pytest

from app.db import sessions
from app.models.account import DPO, IT, Account
from app.models.school import School
from app.notify import development, messages
from app.notify.content import Content
from app.notify.outbox import deliver_due
from app.notify.smtp import as_html
from app.settings import settings
from tests import factories

EVIL_NAMES = (
    "<script>alert(1)</script>",
    '<a href="https://evil.example">Click</a>',
    "Ada\r\nBcc: everyone@evil.example",
    "Visit https://evil.example now",
    "www.evil.example",
    "evil.example",
    "Your account is closed, ring 0900 123456",
    "{{ 7 * 7 }}",
    "A" * 100,
)


@pytest.fixture
def school() -> School:
    with sessions.begin() as db:
        made = factories.school(db)
        factories.admin(db, made, name="Ada Bright", email="ada@school.example")
        factories.admin(db, made, name="Ben Bell", email="ben@school.example")
        factories.admin(db, made, DPO, name="Dee Dee", email="dpo@school.example")
        factories.admin(db, made, IT, email="it@school.example")
        other = factories.school(db, 100002)
        factories.admin(db, other, email="elsewhere@school.example")
    return made


def sent() -> list[dict[str, Any]]:
    """What this test has sent."""
    count = deliver_due()
    return development.kept()[-count:] if count else []


def html_of(mail: dict[str, Any]) -> str:
    return as_html(Content(mail["to"], mail["subject"], mail["text"], mail["links"]))


def verification(name: str) -> dict[str, Any]:
    link = f"{settings.issuer}/register/verify?token=abc"
    with sessions.begin() as db:
        messages.verification_link(db, name=name, email="ada@school.example", school_name="St Mary’s", link=link)
    [mail] = sent()
    return mail


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_a_name_that_is_not_one_is_not_mailed_on(name: str) -> None:
    mail = verification(name)
    assert mail["text"].startswith("Hello,\n")
    assert "evil" not in mail["text"] + mail["subject"] and "\r" not in mail["subject"]
    assert "<script" not in html_of(mail)


@pytest.mark.parametrize(
    "name", ["Ada Bright", "Seán Ó Néill-D’Arcy", "J.R. Smith", "Dr. A. Smith Jr.", "李雷", "O'Neill"]
)
def test_a_name_is_greeted(name: str) -> None:
    mail = verification(name)
    assert mail["text"].startswith(f"Hello {name},\n")
    assert mail["links"] == [f"{settings.issuer}/register/verify?token=abc"] and mail["links"][0] in mail["text"]


def test_every_message_says_how_to_reach_us_and_links_only_to_us(school: School) -> None:
    with sessions.begin() as db:
        [account, *_] = Account.of_school(db, school.id)
        app, _secret = factories.app(db)
        authorisation = factories.authorisation(db, account, school, app)
        messages.school_registered(db, account, school)
        for state in messages.CASE_STATES:
            messages.case_changed(db, school, state, "The reason")
        messages.account_changed(db, account, "your password was changed")
        messages.authorisation_changed(db, school, app, authorisation, "granted")
        messages.authorisation_changed(db, school, app, authorisation, "narrowed", ended=["email"])
        messages.authorisation_changed(db, school, app, authorisation, "revoked")
        messages.authorisation_changed(db, school, app, authorisation, "returned")
        messages.access_asked(db, school, name="Cy Coe", email="cy@school.example")
    mails = sent()

    assert len(mails) == 1 + 2 * len(messages.CASE_STATES) + 1 + 4 * 3 + 2
    for mail in mails:
        assert settings.support_phone in mail["text"] and settings.support_email in mail["text"]
        assert all(link.startswith(f"{settings.issuer}/") and link in mail["text"] for link in mail["links"])
        assert mail["subject"] and "{" not in mail["text"] and "\n\n\n" not in mail["text"]


def test_a_change_of_the_case_reaches_every_admin_of_that_school_and_nobody_else(school: School) -> None:
    with sessions.begin() as db:
        messages.case_changed(db, school, "Rejected", "The number was <b>wrong</b>")
    mails = sent()
    assert [mail["to"] for mail in mails] == ["ada@school.example", "ben@school.example"]
    assert "The number was <b>wrong</b>" in mails[0]["text"]
    assert "The number was &lt;b&gt;wrong&lt;/b&gt;" in html_of(mails[0])

    with sessions.begin() as db, pytest.raises(ValueError, match="no message"):
        messages.case_changed(db, school, "Forgotten")


def test_an_authorisation_reaches_admins_and_the_dpo_once_each(school: School) -> None:
    with sessions.begin() as db:
        [account, *_] = Account.of_school(db, school.id)
        factories.admin(db, school, DPO, email="ada@school.example")
        app, _secret = factories.app(db)
        messages.authorisation_changed(db, school, app, factories.authorisation(db, account, school, app), "granted")
    mails = sent()
    assert [mail["to"] for mail in mails] == ["ada@school.example", "ben@school.example", "dpo@school.example"]
    assert "Your school’s details" in mails[0]["text"]


def test_no_password_travels_by_mail(school: School) -> None:
    with sessions.begin() as db:
        [account, *_] = Account.of_school(db, school.id)
        messages.school_registered(db, account, school)
    [mail] = sent()
    assert str(account.username) in mail["text"]
    assert factories.PASSWORD not in mail["text"]


def test_a_question_reaches_our_support_with_the_address_to_answer(school: School) -> None:
    with sessions.begin() as db:
        messages.support_request(db, school=school, name="Ada\nX", email="ada@school.example", text="One\n\nTwo")
    [mail] = sent()
    assert mail["to"] == settings.support_email
    assert "Name: Ada X\n" in mail["text"] and "Reply to: ada@school.example" in mail["text"] and "Two" in mail["text"]

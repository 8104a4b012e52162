"""Messages leave after the transaction that caused them, at least once, and in the usual case exactly once."""

import datetime as dt
import signal
import subprocess
import sys
import threading
import time

import pytest
from pydantic import SecretStr

from app.db import sessions
from app.models.base import ago, ahead, now
from app.models.outbox import Message
from app.notify import development, outbox, smtp
from app.notify.outbox import EMAIL, SMS, deliver_due, enqueue
from app.settings import ROOT, settings
from tests.notify.mail_server import Inbox, listening
from tests.notify.messages import make_due, rows, write


def test_a_mail_arrives_as_text_and_html_and_its_content_is_erased(inbox: Inbox) -> None:
    write(text="Hello Ada,\n\nhttps://gatehouse.example/sign-in\n")
    stored = rows()[0].sealed or ""

    assert deliver_due() == 1

    [mail] = inbox.mails
    assert (mail["To"], mail["Subject"], mail["From"]) == ("ada@school.example", "Hello", settings.mail_from)
    plain, html = (part.get_content() for part in mail.iter_parts())
    assert plain.split() == ["Hello", "Ada,", "https://gatehouse.example/sign-in"]
    assert '<a href="https://gatehouse.example/sign-in"' in html
    assert "school.example" not in stored and "Hello Ada" not in stored
    [row] = rows()
    assert row.sealed is None and row.sent_at and not row.next_try_at
    assert deliver_due() == 0


def test_nothing_is_sent_when_the_transaction_fails(inbox: Inbox) -> None:
    def fails() -> None:
        with sessions.begin() as db:
            enqueue(db, EMAIL, "ada@school.example", "Hello", "Hello")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert deliver_due() == 0

    write()
    assert deliver_due() == 1


def test_a_mail_that_the_server_defers_is_sent_later(inbox: Inbox) -> None:
    write()
    inbox.answers = ["451 try again later"]
    assert deliver_due() == 0
    [row] = rows()
    assert row.tries == 1 and row.next_try_at and row.next_try_at > now() and "451" in (row.last_error or "")
    assert deliver_due() == 0, "it waits for its time"

    make_due(row)
    assert deliver_due() == 1
    assert len(inbox.mails) == 1


def test_a_server_that_is_down_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as (_, address):
        pass  # its port is closed again
    monkeypatch.setattr(settings, "smtp_url", SecretStr(f"smtp://{address}"))
    write()
    assert deliver_due() == 0
    assert "refused" in (rows()[0].last_error or "").lower()

    with listening() as (inbox, address):
        monkeypatch.setattr(settings, "smtp_url", SecretStr(f"smtp://{address}"))
        make_due(rows()[0])
        assert deliver_due() == 1
        assert len(inbox.mails) == 1


def test_after_three_days_it_is_a_dead_letter_that_keeps_its_content(inbox: Inbox) -> None:
    write()
    with sessions.begin() as db:
        found = db.get(Message, rows()[0].id)
        assert found is not None
        found.created_at = ago(72 * 3600 + 60)
    inbox.answers = ["451 still not"]
    assert deliver_due() == 0

    [row] = rows()
    assert row.failed_at and not row.next_try_at and row.sealed and "451" in (row.last_error or "")
    with sessions.read() as db:
        assert [dead.id for dead in Message.dead(db)] == [row.id]
    write()
    assert deliver_due() == 1, "the messages behind it go on"


@pytest.mark.parametrize("refusal", ["550 no such mailbox", "553 not here"])
def test_an_address_that_does_not_exist_is_given_up_at_once(inbox: Inbox, refusal: str) -> None:
    write()
    inbox.recipient_answers = [refusal]
    assert deliver_due() == 0
    assert rows()[0].failed_at

    write()
    inbox.recipient_answers = ["450 mailbox busy"]
    assert deliver_due() == 0
    assert not rows()[1].failed_at, "a busy mailbox is another matter"


def test_a_worker_killed_between_sending_and_noting_it_sends_the_same_message_id_again(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()

    class Killed(BaseException):
        """What kill -9 does: nothing after it runs."""

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Message, "mark_sent", dies)
        with pytest.raises(Killed):
            deliver_due()
    assert deliver_due() == 0, "the dead worker's lease has not run out"
    assert rows()[0].sent_at is None

    make_due(rows()[0])  # the lease runs out
    assert deliver_due() == 1
    first, second = inbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert str(rows()[0].id) in first["Message-ID"]


def test_two_workers_send_each_message_once(inbox: Inbox) -> None:
    for number in range(20):
        write(subject=f"Number {number}")
    counts: list[int] = []
    begin = threading.Barrier(2)

    def work() -> None:
        begin.wait()
        counts.append(deliver_due())

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(counts) == 20
    assert sorted(mail["Subject"] for mail in inbox.mails) == sorted(f"Number {number}" for number in range(20))


def test_a_message_taken_over_is_not_marked_by_the_worker_that_lost_it(inbox: Inbox) -> None:
    write()
    with sessions.begin() as db:
        [slow] = Message.due(db, 1)
        assert slow.take(db, ahead(0))
    assert deliver_due() == 1  # another worker, after the lease

    with sessions.begin() as db:
        slow.mark_failed(db, "too late", ahead(60))
    assert rows()[0].sent_at and not rows()[0].next_try_at


def test_the_worker_delivers_and_stops_when_asked(inbox: Inbox) -> None:
    arrived = threading.Event()
    inbox.on_arrival = arrived.set
    end = outbox.in_background()
    write()
    assert arrived.wait(20)
    end()
    assert rows()[0].sent_at

    write()
    assert rows()[1].sent_at is None


def test_pauses_double_up_to_three_hours_and_differ() -> None:
    assert all(5 <= outbox.pause(1) <= 10 for _ in range(50))
    assert all(20 <= outbox.pause(3) <= 40 for _ in range(50))
    assert all(5400 <= outbox.pause(60) <= 10_800 for _ in range(50))
    assert len({outbox.pause(5) for _ in range(20)}) > 1


def test_headers_cannot_be_injected(inbox: Inbox) -> None:
    write(subject="Hello\r\nBcc: everyone@evil.example")
    write(to="ada@school.example\r\nBcc: everyone@evil.example")
    write(to="ada@school.example, everyone@evil.example")
    write()
    assert deliver_due() == 2
    assert [mail["Bcc"] for mail in inbox.mails] == [None, None]
    assert [row.failed_at is not None for row in rows()] == [False, True, True, False]


def test_without_a_mail_server_messages_stay_on_this_machine() -> None:
    write()
    with sessions.begin() as db:
        enqueue(db, SMS, "+447700900123", "", "Your code is 123456")
    assert deliver_due() == 2

    mail, text = development.kept()[-2:]
    assert (mail["channel"], mail["to"], mail["links"]) == (
        "email",
        "ada@school.example",
        ["https://gatehouse.example/sign-in"],
    )
    assert (text["channel"], text["to"], text["text"]) == ("sms", "+447700900123", "Your code is 123456")
    assert dt.datetime.fromisoformat(text["sent_at"]).tzinfo


def test_a_production_server_without_a_way_to_send_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "environment", "production")
    with sessions.begin() as db:
        enqueue(db, SMS, "+447700900123", "", "Your code is 123456")
    before = len(development.kept())
    assert deliver_due() == 0
    assert rows()[0].failed_at and len(development.kept()) == before

    monkeypatch.setattr(settings, "environment", "test")
    write()
    assert deliver_due() == 1


def test_html_is_escaped(inbox: Inbox) -> None:
    write(text='Hello <script>alert("1")</script> & <a href="https://evil.example">x</a>\n')
    assert deliver_due() == 1
    html = [part.get_content() for part in inbox.mails[0].iter_parts()][1]
    assert "<script" not in html and 'evil.example"' not in html
    assert "&lt;script&gt;" in html


def test_a_long_delivery_stays_within_its_lease() -> None:
    assert smtp.TIMEOUT_SECONDS * 12 <= outbox.LEASE_SECONDS


def test_a_worker_process_delivers_and_ends_cleanly_on_sigterm() -> None:
    worker = subprocess.Popen([sys.executable, "-m", "app", "worker"], cwd=ROOT)
    try:
        write(subject="By the process")
        deadline = time.monotonic() + 60
        while not rows()[0].sent_at and time.monotonic() < deadline:
            time.sleep(0.05)
        assert rows()[0].sent_at and development.kept()[-1]["subject"] == "By the process"
    finally:
        worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0

    write()
    assert deliver_due() == 1, "nobody else takes it now"

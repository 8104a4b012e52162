"""Those who deliver webhooks die, run side by side, and wait for nobody."""

import threading
import time
from typing import Any

import pytest

from app.db import sessions
from app.models.outbox import Message
from app.models.webhook import Delivery
from app.notify import outbox, webhooks
from tests.notify.hook_server import Hook, listening
from tests.notify.hooks import added, due_again, told


def test_killed_between_sending_and_noting_it_is_sent_again_with_the_same_id(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _, _ = added(hook)
    told(app)

    def killed(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(Delivery, "mark_delivered", killed)
        with pytest.raises(SystemExit):
            webhooks.deliver_due()
    assert webhooks.deliver_due() == 0, "the lease of the dead worker holds"

    due_again()
    assert webhooks.deliver_due() == 1
    assert len(hook.came) == 2 and len(set(hook.ids)) == 1


def test_of_many_workers_one_takes_it(hook: Hook) -> None:
    app, _, _ = added(hook)
    told(app)
    delivered: list[int] = []
    together = threading.Barrier(6)

    def work() -> None:
        together.wait()
        delivered.append(webhooks.deliver_due())

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (sum(delivered), len(hook.came)) == (1, 1)


def test_a_target_that_hangs_delays_neither_other_webhooks_nor_mails(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(outbox, "POLL_SECONDS", 0.01)
    with listening() as hanging:
        hanging.seconds = 1.5
        slow, _, _ = added(hanging)
        quick, _, _ = added(hook)
        for n in range(3):
            told(slow, n=n)
        told(quick)
        with sessions.begin() as db:
            outbox.enqueue(db, outbox.EMAIL, "a@partner.example", "Hello", "Words")
        end = outbox.in_background(beside=[webhooks.run])
        began = time.monotonic()
        while time.monotonic() - began < 5 and not (hook.came and _mail_left()):
            time.sleep(0.01)
        assert time.monotonic() - began < 1.4
        assert (len(hook.came), len(hanging.came), hanging.most_at_once) == (1, 1, 1)
        end()
        assert len(hanging.came) == 1, "it stops after what was under way"


def _mail_left() -> bool:
    with sessions.read() as db:
        return db.query(Message).filter(Message.sent_at.is_not(None)).count() == 1

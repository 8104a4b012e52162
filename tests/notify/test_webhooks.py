"""Webhooks: signed so that an independent library believes them, at least once, and nobody waits for anybody."""

import datetime as dt
import time
import uuid

import pytest
from standardwebhooks import Webhook as Library
from standardwebhooks import WebhookVerificationError

from app.db import sessions
from app.models.account import PARTNER_USER, Membership
from app.models.base import ago, now
from app.models.partner import App
from app.models.webhook import Delivery, Notice, Webhook
from app.notify import notices, webhooks
from app.settings import settings
from tests import factories
from tests.notify.hook_server import Hook, listening
from tests.notify.hooks import added, due_again, mails, only_delivery, told


def test_what_happened_arrives_signed_for_an_independent_reader(hook: Hook) -> None:
    app, _, secret = added(hook)
    notice = told(app, grant_id="g1")

    assert webhooks.deliver_due() == 1

    heard = hook.read(secret)
    assert heard["type"] == "authorisation.granted" and heard["data"] == {"grant_id": "g1"}
    assert dt.datetime.fromisoformat(heard["timestamp"]) - notice.created_at < dt.timedelta(milliseconds=1)
    assert hook.ids == [str(notice.id)]
    assert secret.startswith("whsec_") and hook.came[0][0]["content-type"] == "application/json"
    delivery = only_delivery()
    assert (delivery.state, delivery.last_status, delivery.tries) == ("Delivered", 204, 1)
    assert webhooks.deliver_due() == 0


def test_a_changed_body_time_or_secret_does_not_verify(hook: Hook) -> None:
    app, _, secret = added(hook)
    told(app)
    webhooks.deliver_due()
    headers, body = hook.came[0]

    changed = [
        (headers, body.replace(b"granted", b"revoked")),
        (headers | {"webhook-timestamp": str(int(time.time()) + 1)}, body),
        (headers | {"webhook-id": str(uuid.uuid4())}, body),
    ]
    for false in changed:
        with pytest.raises(WebhookVerificationError):
            Library(secret).verify(false[1], false[0])
    with pytest.raises(WebhookVerificationError):
        hook.read(webhooks.new_secret())

    assert hook.read(secret)


def test_both_secrets_sign_while_one_replaces_the_other(hook: Hook) -> None:
    app, webhook, before = added(hook)
    with sessions.begin() as db:
        after = webhooks.rotate(db, db.get_one(Webhook, webhook.id))
    assert after and after != before
    told(app)
    webhooks.deliver_due()
    assert hook.read(before) and hook.read(after)
    assert len(hook.came[0][0]["webhook-signature"].split()) == 2

    with sessions.begin() as db:
        db.get_one(Webhook, webhook.id).before_until = ago(1)
    told(app)
    webhooks.deliver_due()
    with pytest.raises(WebhookVerificationError):
        hook.read(before)
    assert hook.read(after)


def test_each_webhook_gets_what_it_wants_and_no_other_app_hears_of_it(hook: Hook) -> None:
    app, _, _ = added(hook, events=("authorisation.revoked",))
    told(app)
    with listening() as other:
        added(other)
        told(app, "authorisation.revoked")
        assert webhooks.deliver_due() == 1
        assert other.came == []
    assert [hook.came[0][1][:32]] == [b'{"type":"authorisation.revoked",']


def test_what_was_not_committed_is_not_sent(hook: Hook) -> None:
    app, _, _ = added(hook)

    def half() -> None:
        with sessions.begin() as db:
            notices.tell(db, app.id, "authorisation.granted", {})
            notices.tell(db, app.id, "made.up", {})

    with pytest.raises(ValueError, match="no notice"):
        half()
    assert webhooks.deliver_due() == 0

    told(app)
    assert webhooks.deliver_due() == 1


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
def test_anything_but_2xx_is_tried_again_later_and_later(hook: Hook, status: int) -> None:
    app, _, secret = added(hook)
    told(app)
    hook.status = status
    waits = []
    for _ in range(4):
        webhooks.deliver_due()
        delivery = only_delivery()
        assert delivery.next_try_at and delivery.last_status == status and delivery.state == "Trying again"
        waits.append((delivery.next_try_at - now()).total_seconds())
        assert webhooks.deliver_due() == 0, "not before its time"
        due_again()
    assert 4 < waits[0] <= 10 and 39 < waits[3] <= 80

    hook.status = 200
    assert webhooks.deliver_due() == 1
    assert len(set(hook.ids)) == 1, "the id is an idempotency key"
    assert hook.read(secret)


def test_a_target_down_for_an_hour_loses_nothing_and_keeps_the_order(hook: Hook) -> None:
    app, _, _ = added(hook)
    hook.status = 503
    sent = [str(told(app, n=n).id) for n in range(5)]
    for _ in range(6):
        webhooks.deliver_due()
        due_again(created_at=ago(3600))
    assert len(hook.came) == 6, "while the target is away one try stands for all"

    hook.status, hook.came = 204, []
    sent.append(str(told(app).id))
    assert webhooks.deliver_due() == 6
    assert hook.ids == sent


def test_nobody_there_at_all_is_tried_again(hook: Hook) -> None:
    with listening() as gone:
        app, _, _ = added(gone)
    told(app)
    webhooks.deliver_due()
    delivery = only_delivery()
    assert delivery.last_status is None and delivery.last_error == "The connection was refused"
    assert delivery.next_try_at


def test_after_72_hours_it_is_a_dead_letter_that_can_be_replayed(hook: Hook) -> None:
    app, webhook, _ = added(hook)
    told(app)
    hook.status = 500
    due_again(created_at=ago(72 * 3600 + 1))
    webhooks.deliver_due()
    assert (only_delivery().state, only_delivery().next_try_at) == ("Failed", None)

    hook.status = 200
    with sessions.begin() as db:
        assert Delivery.replay(db, webhook.id) == 1
        assert Delivery.replay(db, webhook.id) == 0
    assert webhooks.deliver_due() == 1
    assert hook.ids[0] == hook.ids[1]


def test_an_answer_of_410_ends_the_webhook_and_the_partner_is_told(hook: Hook) -> None:
    app, webhook, _ = added(hook)
    told(app)
    told(app)
    hook.status = 410
    webhooks.deliver_due()
    with sessions.read() as db:
        assert db.get_one(Webhook, webhook.id).ended_at
        assert {row.state for row in db.query(Delivery)} == {"Failed"}
    (mail,) = mails()
    assert mail.to == "dpo@partner.example" and "410" in mail.text

    hook.status = 204
    told(app)
    assert (webhooks.deliver_due(), len(hook.came)) == (0, 1)
    added(hook, app)
    told(app)
    assert webhooks.deliver_due() == 1


def test_failing_for_a_day_is_told_once_to_the_people_of_the_partner(hook: Hook) -> None:
    app, _, _ = added(hook)
    with sessions.begin() as db:
        person = factories.account(db, "dev@partner.example", name="Dora Developer")
        db.add(Membership(account_id=person.id, partner_id=app.partner_id, role=PARTNER_USER))
    hook.status = 500
    told(app)
    told(app)
    webhooks.deliver_due()
    due_again(created_at=ago(23 * 3600))
    webhooks.deliver_due()
    assert mails() == []

    for hours in (25, 30, 60):
        due_again(created_at=ago(hours * 3600))
        webhooks.deliver_due()
        webhooks.deliver_due()
    (mail,) = mails()
    assert mail.to == "dev@partner.example" and "Hello Dora Developer" in mail.text
    assert mail.links == [f"{settings.issuer}/partners/apps/{app.id}/webhooks"]

    hook.status = 200
    due_again()
    webhooks.deliver_due()
    hook.status = 500
    told(app)
    due_again(created_at=ago(25 * 3600))
    webhooks.deliver_due()
    assert len(mails()) == 2, "another outage is told of anew"


@pytest.mark.parametrize("of", ["app", "partner"])
def test_a_suspended_app_gets_nothing(hook: Hook, of: str) -> None:
    app, webhook, _ = added(hook)
    told(app)
    with sessions.begin() as db:
        row = db.get_one(App, app.id)
        (row if of == "app" else row.partner).suspended_at = now()
    told(app)
    assert (webhooks.deliver_due(), hook.came) == (0, [])

    with sessions.begin() as db:
        row = db.get_one(App, app.id)
        (row if of == "app" else row.partner).suspended_at = None
        Delivery.replay(db, webhook.id)
    assert webhooks.deliver_due() == 1


def test_the_address_is_judged_again_at_each_send(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    app, _, _ = added(hook)
    told(app)
    with monkeypatch.context() as patched:
        patched.setattr(settings, "environment", "production")
        assert (webhooks.deliver_due(), hook.came) == (0, [])
    assert "https" in (only_delivery().last_error or "")

    due_again()
    assert webhooks.deliver_due() == 1


def test_old_notices_are_forgotten_but_not_what_still_waits(hook: Hook) -> None:
    app, _, _ = added(hook)
    kept = told(app, n=1)
    webhooks.deliver_due()
    told(app, n=2)
    tomorrow = now() + dt.timedelta(days=1)
    with sessions.begin() as db:
        assert Notice.forget(db, ago(60)) == 0
        assert Notice.forget(db, tomorrow) == 1
        assert db.get(Notice, kept.id) is None
    assert webhooks.deliver_due() == 1
    with sessions.begin() as db:
        assert Notice.forget(db, tomorrow) == 1
        assert db.query(Delivery).count() == 0


def test_two_who_rotate_at_once_do_not_lose_the_secret_that_is_in_use(hook: Hook) -> None:
    app, webhook, first = added(hook)
    made: list[str | None] = []
    with sessions.read() as db:
        seen = [db.get_one(Webhook, webhook.id)]
    with sessions.read() as db:
        seen.append(db.get_one(Webhook, webhook.id))
    for stale in seen:
        with sessions.begin() as db:
            db.add(stale)
            made.append(webhooks.rotate(db, stale))
    assert made[0] and made[1] is None
    told(app)
    webhooks.deliver_due()
    assert hook.read(first) and hook.read(made[0])


def test_an_unknown_kind_is_refused() -> None:
    with sessions.begin() as db:
        app, _ = factories.app(db)
    with pytest.raises(ValueError, match="no notice"):
        told(app, "authorisation.made_up")
    told(app, notices.TYPES[0])

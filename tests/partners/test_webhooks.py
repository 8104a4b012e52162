"""A partner looks after the webhooks of its app, in the portal and by the API."""

import uuid
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from app.db import sessions
from app.models.account import PARTNER_USER, Membership
from app.models.base import ago, now
from app.models.partner import App, Partner
from app.models.webhook import Delivery, Webhook
from app.notify import notices, webhooks
from app.settings import settings
from tests import factories
from tests.notify.hook_server import Hook
from tests.pages import Browser
from tests.partners.caller import Caller, refusal


def works_for(browser: Browser, app: App) -> str:
    """Sign somebody of the app's partner in; the address of the app's webhooks."""
    with sessions.begin() as db:
        person = factories.account(db)
        db.add(Membership(account_id=person.id, partner_id=app.partner_id, role=PARTNER_USER))
    factories.signs_in(browser, person)
    return f"/partners/apps/{app.id}/webhooks"


def added(app: App, url: str) -> tuple[Webhook, str]:
    with sessions.begin() as db:
        return webhooks.add(db, app.id, url, [])


def made_app() -> App:
    with sessions.begin() as db:
        return factories.app(db)[0]


def told(app: App, kind: str = "authorisation.granted") -> None:
    with sessions.begin() as db:
        notices.tell(db, app.id, kind, {"n": 1})


def gives_up(webhook: Webhook) -> None:
    with sessions.begin() as db:
        Delivery.drop_all(db, webhook.id, "Answered 500, not 2xx")


def test_the_whole_way_in_the_portal(browser: Browser, hook: Hook) -> None:
    app = made_app()
    browser.opens(works_for(browser, app))
    assert "This app has no webhook" in browser.text
    browser.follows("Add a webhook")
    browser.fills("Address", hook.url)
    browser.ticks("authorisation.revoked")
    browser.presses("Add a webhook")
    secret = browser.value("webhook-secret")
    assert browser.headers["referrer-policy"] == "no-referrer" and browser.headers["cache-control"] == "no-store"
    browser.follows("Continue")
    assert secret not in browser.text and "authorisation.revoked" in browser.text

    browser.presses("Send a test")
    assert "A test notice is on its way" in browser.text
    webhooks.deliver_due()
    assert hook.read(secret)["type"] == "webhook.test"

    browser.presses("Rotate the secret")
    after = browser.value("webhook-secret")
    assert after != secret and "signs too until" in browser.text
    told(app, "authorisation.revoked")
    told(app)
    hook.status = 500
    webhooks.deliver_due()
    assert hook.read(secret)["type"] == hook.read(after)["type"] == "authorisation.revoked"
    browser.follows("Continue")
    assert "Trying again" in browser.text and "Answered 500" in browser.text and "Two secrets sign" in browser.text

    with sessions.read() as db:
        (webhook,) = Webhook.live(db, app.id)
    gives_up(webhook)
    browser.opens(browser.path)
    browser.follows("Show those that failed")
    assert "Delivered" not in browser.text
    browser.presses("Send all failed again")
    hook.status = 200
    assert webhooks.deliver_due() == 1

    browser.follows("Remove this webhook")
    browser.presses("Remove")
    assert "nothing more is sent there" in browser.text and "This app has no webhook" in browser.text
    told(app, "authorisation.revoked")
    assert webhooks.deliver_due() == 0


def test_one_delivery_is_sent_again_with_the_same_id(browser: Browser, hook: Hook) -> None:
    app = made_app()
    webhook, _ = added(app, hook.url)
    told(app)
    webhooks.deliver_due()
    browser.opens(f"{works_for(browser, app)}/{webhook.id}")
    (button,) = [b for b in browser.document.iter("button") if "Send again" in b.text_content()]
    browser.posts(next(button.iterancestors("form")).get("action"))
    assert "It is on its way again" in browser.text
    assert webhooks.deliver_due() == 1
    assert len(hook.ids) == 2 and len(set(hook.ids)) == 1


@pytest.mark.parametrize(
    "url", ["", "http://partner.example/", "https://10.0.0.1/", "https://localhost/x", "x", "ftp://a"]
)
def test_an_address_that_is_none_is_shown_again(browser: Browser, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = made_app()
    base = works_for(browser, app)
    with monkeypatch.context() as patched:
        patched.setattr(settings, "environment", "production")
        patched.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.7", 80))])
        answer = browser.client.post(
            f"{base}/new", data={"url": url, "events-authorisation.granted": "yes"}, headers={"origin": settings.issuer}
        )
    assert answer.status_code == 422
    assert ("Error:" in answer.text and f'value="{url}"' in answer.text.replace("&#x2F;", "/")) or not url
    assert "checked" in answer.text
    with sessions.read() as db:
        assert Webhook.live(db, app.id) == []

    browser.posts(f"{base}/new", url="http://127.0.0.1:9/")
    assert browser.value("webhook-secret")


def test_another_partners_webhooks_are_not_there(browser: Browser, other_browser: Browser, hook: Hook) -> None:
    app, foreign = made_app(), made_app()
    webhook, _ = added(foreign, hook.url)
    told(foreign)
    gives_up(webhook)
    with sessions.read() as db:
        delivery = Delivery.page(db, webhook.id, None, 1)[0][0]
    mine = works_for(browser, app)
    theirs = f"/partners/apps/{foreign.id}/webhooks"
    for base in (mine, theirs):
        here = f"{base}/{webhook.id}"
        for path in (here, f"{here}/change", f"{here}/remove"):
            browser.opens(path, 404)
        for path in ("rotate", "test", "replay", f"deliveries/{delivery.id}/replay"):
            browser.posts(f"{here}/{path}", 404)
        browser.posts(f"{here}/change", 404, url=hook.url)
    for path in ("", "/new"):
        browser.opens(theirs + path, 404)
    browser.posts(f"{theirs}/new", 404, url=hook.url)
    browser.posts(f"{theirs}/{webhook.id}/remove", 404)
    browser.posts(f"{mine}/{webhook.id}/remove")
    with sessions.read() as db:
        assert Delivery.counts(db, webhook.id) == (0, 1)

    works_for(other_browser, foreign)
    other_browser.opens(f"{theirs}/{webhook.id}")
    other_browser.posts(f"{theirs}/{webhook.id}/deliveries/{uuid.uuid4()}/replay", 404)
    other_browser.posts(f"{theirs}/{webhook.id}/deliveries/{delivery.id}/replay")
    with sessions.read() as db:
        assert Delivery.counts(db, webhook.id) == (1, 0)


def test_a_suspended_partner_and_strangers_see_no_page(browser: Browser, other_browser: Browser) -> None:
    app = made_app()
    base = works_for(browser, app)
    browser.opens(base)
    with sessions.begin() as db:
        db.get_one(Partner, app.partner_id).suspended_at = now()
        admin = factories.admin(db, factories.school(db))
    browser.opens(base, 403)
    factories.signs_in(other_browser, admin)
    other_browser.opens(base, 403)


def test_many_deliveries_are_paged(browser: Browser, hook: Hook) -> None:
    app = made_app()
    webhook, _ = added(app, hook.url)
    with sessions.begin() as db:
        for number in range(53):
            notices.tell(db, app.id, "authorisation.granted", {"n": number})
    browser.opens(f"{works_for(browser, app)}/{webhook.id}")
    assert browser.text.count("authorisation.granted") == 50
    browser.follows("Older")
    assert browser.text.count("authorisation.granted") == 3
    browser.follows("Newest")
    assert browser.text.count("authorisation.granted") == 50


# --- the same by the API ---


def test_the_whole_way_by_the_api(mine: Caller, hook: Hook) -> None:
    made = mine("POST", "/webhooks", {"url": hook.url, "events": ["authorisation.revoked"]})
    assert made.status_code == 201
    secret, path = made.json()["secret"], f"/webhooks/{made.json()['id']}"
    assert "secret" not in mine.gets(path) and mine.gets("/webhooks")["items"] == [mine.gets(path)]

    assert mine("POST", f"{path}/test").status_code == 202
    webhooks.deliver_due()
    assert hook.read(secret)["type"] == "webhook.test"

    rotated = mine("POST", f"{path}/rotate").json()
    assert rotated["secret"] != secret and rotated["previous_secret_until"]
    assert mine("PATCH", path, {"events": []}).json()["events"] == []
    told(mine.app)
    hook.status = 500
    webhooks.deliver_due()
    assert hook.read(secret) and hook.read(rotated["secret"])
    (tried, arrived) = mine.gets(f"{path}/deliveries")["items"]
    assert (tried["state"], tried["last_status"], arrived["state"]) == ("trying_again", 500, "delivered")

    with sessions.read() as db:
        gives_up(Webhook.live(db, mine.app.id)[0])
    first = mine.gets(f"{path}/deliveries?limit=1")
    assert [item["state"] for item in first["items"]] == ["failed"]
    rest = mine.gets(f"{path}/deliveries?limit=1&after={first['next']}")
    assert [item["state"] for item in rest["items"]] == ["delivered"] and rest["next"] is None
    assert len(mine.gets(f"{path}/deliveries?state=failed")["items"]) == 1

    hook.status = 200
    assert mine("POST", f"{path}/replay").json() == {"replayed": 1}
    assert mine("POST", f"{path}/deliveries/{arrived['id']}/replay").json() == {"replayed": 1}
    assert webhooks.deliver_due() == 2

    assert mine("DELETE", path).status_code == 204
    assert refusal(mine("GET", path)) == (404, "404")
    assert refusal(mine("DELETE", path)) == (404, "404")


def test_another_apps_webhook_is_not_there(mine: Caller, theirs: Caller, hook: Hook) -> None:
    path = f"/webhooks/{theirs('POST', '/webhooks', {'url': hook.url}).json()['id']}"
    calls: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("PATCH", path, {"url": hook.url}),
        ("DELETE", path, None),
        *(
            ("POST", f"{path}/{what}", None)
            for what in ("rotate", "test", "replay", f"deliveries/{uuid.uuid4()}/replay")
        ),
        ("GET", f"{path}/deliveries", None),
    ]
    for method, where, sent in calls:
        foreign, absent = (
            mine(method, where, sent),
            mine(method, where.replace(path, f"/webhooks/{uuid.uuid4()}"), sent),
        )
        assert refusal(foreign) == refusal(absent) == (404, "404")
        assert {**foreign.json(), "instance": ""} == {**absent.json(), "instance": ""}
    assert refusal(mine("GET", "/webhooks/1")) == (404, "404")

    assert theirs.gets(path)["url"] == hook.url


@pytest.mark.parametrize(
    "url", ["http://93.184.215.14/", "https://10.0.0.1/", "https://[::1]:1/x", "https://169.254.169.254/"]
)
def test_the_api_refuses_addresses_within(mine: Caller, url: str, hook: Hook) -> None:
    if "::1" in url:  # loopback is for tests
        assert mine("POST", "/webhooks", {"url": url}).status_code == 201
        return
    answer = mine("POST", "/webhooks", {"url": url})
    assert refusal(answer) == (422, "webhook_refused")
    good = mine("POST", "/webhooks", {"url": hook.url}).json()["id"]
    assert refusal(mine("PATCH", f"/webhooks/{good}", {"url": url})) == (422, "webhook_refused")
    assert mine.gets(f"/webhooks/{good}")["url"] == hook.url


def test_types_are_those_that_there_are_and_webhooks_have_a_number(mine: Caller, hook: Hook) -> None:
    assert refusal(mine("POST", "/webhooks", {"url": hook.url, "events": ["made.up"]})) == (422, "invalid_body")
    for _ in range(webhooks.MOST):
        assert mine("POST", "/webhooks", {"url": hook.url}).status_code == 201
    assert refusal(mine("POST", "/webhooks", {"url": hook.url})) == (409, "too_many_webhooks")


def test_the_old_secret_ends_after_a_day(mine: Caller, hook: Hook) -> None:
    made = mine("POST", "/webhooks", {"url": hook.url}).json()
    after = mine("POST", f"/webhooks/{made['id']}/rotate").json()["secret"]
    with sessions.begin() as db:
        db.get_one(Webhook, uuid.UUID(made["id"])).before_until = ago(1)
    told(mine.app)
    webhooks.deliver_due()
    with pytest.raises(WebhookVerificationError):
        hook.read(made["secret"])
    assert hook.read(after)

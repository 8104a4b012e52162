"""Texts by GOV.UK Notify. Notify itself cannot run here: a server of this machine stands in for it.

It is the one thing simulated. It speaks the API as Notify documents it (POST /v2/notifications/sms with a JWT of the
key, https://docs.notifications.service.gov.uk/rest-api.html), and the real client library talks to it over HTTP.
"""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from app.db import sessions
from app.notify.outbox import SMS, deliver_due, enqueue
from app.settings import Settings, settings
from tests.notify.messages import make_due, rows

SERVICE, SECRET = "11111111-aaaa-4bbb-8ccc-222222222222", "33333333-dddd-4eee-9fff-444444444444"
KEY = f"gatehouse-{SERVICE}-{SECRET}"
TEMPLATE = "55555555-aaaa-4bbb-8ccc-666666666666"
TEXT = "481516 is your Gatehouse code."


class Notify:
    """What came, and what is answered instead of yes: a status and the kind of error."""

    def __init__(self) -> None:
        self.came: list[dict[str, Any]] = []
        self.fails: tuple[int, str] | None = None
        self.address = ""

    def takes(self, path: str, authorization: str, body: dict[str, Any]) -> tuple[int, Any]:
        try:
            claims = jwt.decode(authorization.removeprefix("Bearer "), SECRET, algorithms=["HS256"])
            assert path == "/v2/notifications/sms" and claims["iss"] == SERVICE
        except (jwt.InvalidTokenError, AssertionError):
            return self._error(403, "AuthError", "Invalid token: signature, api token not found")
        if self.fails:
            status, kind = self.fails
            return self._error(status, kind, f"something about {body['phone_number']} and {body['personalisation']}")
        self.came.append(body)
        return 201, {"id": "740e5834-3a29-46b4-9a6f-16142fde533a", "reference": body["reference"]}

    def _error(self, status: int, kind: str, message: str) -> tuple[int, Any]:
        return status, {"status_code": status, "errors": [{"error": kind, "message": message}]}


@pytest.fixture
def notify(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notify]:
    """A Notify that SMS_URL points to."""
    stand_in = Notify()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = stand_in.takes(self.path, self.headers["Authorization"], body)
            said = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        stand_in.address = f"127.0.0.1:{server.server_port}"
        monkeypatch.setattr(settings, "sms_url", SecretStr(f"http://:{KEY}@{stand_in.address}/{TEMPLATE}"))
        yield stand_in
        server.shutdown()


def write() -> None:
    with sessions.begin() as db:
        enqueue(db, SMS, "+447400123456", "", TEXT)


def test_a_text_is_handed_to_notify_with_the_messages_id_as_its_reference(notify: Notify) -> None:
    write()

    assert deliver_due() == 1
    assert notify.came == [
        {
            "phone_number": "+447400123456",
            "template_id": TEMPLATE,
            "personalisation": {"text": TEXT},
            "reference": str(rows()[0].id),
        }
    ]
    assert rows()[0].sealed is None


@pytest.mark.parametrize("status", [400, 413])
def test_what_notify_refuses_for_good_is_a_dead_letter(notify: Notify, status: int) -> None:
    notify.fails = (status, "ValidationError")
    write()
    assert deliver_due() == 0
    assert rows()[0].failed_at is not None
    assert "ValidationError" in (rows()[0].last_error or "")

    notify.fails = None
    write()
    assert deliver_due() == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(403, "AuthError"), (429, "RateLimitError"), (500, "Exception"), (503, "ServiceUnavailable")]
)
def test_anything_else_is_tried_again(notify: Notify, status: int, kind: str) -> None:
    notify.fails = (status, kind)
    write()
    assert deliver_due() == 0
    assert rows()[0].failed_at is None and rows()[0].next_try_at is not None

    notify.fails = None
    make_due(rows()[0])
    assert deliver_due() == 1


def test_a_wrong_key_and_a_notify_that_is_away_lose_nothing(notify: Notify, monkeypatch: pytest.MonkeyPatch) -> None:
    right = settings.sms_url
    for url in (f"http://:x-{SERVICE}-{TEMPLATE}@{notify.address}/{TEMPLATE}", f"http://:{KEY}@127.0.0.1:9/{TEMPLATE}"):
        monkeypatch.setattr(settings, "sms_url", SecretStr(url))
        write()
        assert deliver_due() == 0

    monkeypatch.setattr(settings, "sms_url", right)
    for row in rows():
        make_due(row)
    assert deliver_due() == 2


def test_neither_the_text_nor_the_number_is_logged_or_kept_with_the_failure(
    notify: Notify, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    notify.fails = (400, "ValidationError")
    write()
    deliver_due()
    notify.fails = None
    write()
    assert deliver_due() == 1

    kept = caplog.text + "".join(row.last_error or "" for row in rows())
    assert "ValidationError" in kept
    assert not any(secret in kept for secret in ("481516", "7400123456", SECRET))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.notifications.service.gov.uk/",
        f"https://:{SECRET}@api.notifications.service.gov.uk/{TEMPLATE}",
        f"https://:{KEY}@api.notifications.service.gov.uk",
        f"https://:{KEY}@api.notifications.service.gov.uk/{TEMPLATE}/more",
        f"http://:{KEY}@api.notifications.service.gov.uk/{TEMPLATE}",
    ],
)
def test_a_malformed_address_is_a_fault_of_the_settings(url: str) -> None:
    faulty = Settings(environment="test", sms_url=SecretStr(url))
    sound = Settings(
        environment="test", sms_url=SecretStr(f"https://:{KEY}@api.notifications.service.gov.uk/{TEMPLATE}")
    )

    assert any(fault.startswith("SMS_URL") and KEY not in fault for fault in faulty.faults())
    assert sound.faults() == []

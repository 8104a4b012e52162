"""`gatehouse keys`: replaced while two processes sign, and nobody who verifies notices."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from joserfc import jwk, jwt
from typer.testing import CliRunner

from app import keys
from app.cli import app as command
from app.db import sessions
from app.models.event import Event
from tests.clients.site import Site, running

PARTNER, SIGN_IN = "reading-room", "reading-room-oidc"


def run(*words: str) -> Any:
    done = CliRunner().invoke(command, ["keys", *words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_keys_are_listed_and_replaced() -> None:
    with sessions.begin() as db:
        keys.ensure(db)
    before = {row["kid"] for row in run("list")["keys"] if row["state"] in ("signing", "published")}

    fresh = run("rotate")

    listed = {row["kid"]: row for row in run("list")["keys"]}
    assert all(listed[kid]["state"] == "waiting" and listed[kid]["ends"] is None for kid in fresh["kids"])
    assert {listed[kid]["algorithm"] for kid in fresh["kids"]} == set(keys.ALGORITHMS)
    assert before and all(listed[kid]["ends"] for kid in before)
    with sessions.read() as db:
        event = db.query(Event).filter_by(action="keys.rotated").one()
    assert event.detail["kids"] == fresh["kids"]
    words = CliRunner().invoke(command, ["keys", "rotate"]).output
    assert "published now and sign in 15 seconds" in words and "PRIVATE" not in words


class Verifier:
    """A partner that keeps the published keys for as long as it may, and never asks for a key that it does not know."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._kept: tuple[float, Any] = (0.0, None)
        self.seen: list[str] = []
        self.tokens: list[str] = []

    def reads(self, token: str, algorithm: str) -> None:
        if self._kept[1] is None or time.monotonic() - self._kept[0] >= keys.PARTNERS_KEEP_SECONDS:
            fetched = time.monotonic()
            self._kept = (fetched, httpx2.get(self._address).json())
        found = jwt.decode(token, jwk.KeySet.import_key_set(self._kept[1]), algorithms=[algorithm])
        self.tokens.append(token)
        if found.header["kid"] not in self.seen:
            self.seen.append(found.header["kid"])


def partner_token(site: Site) -> str:
    app = site.app(PARTNER)
    asked = {"grant_type": "client_credentials", "client_id": app["client_id"]}
    answered = httpx2.post(f"{site.issuer}/oauth/token", data=asked, auth=(app["client_id"], app["client_secret"]))
    token: str = answered.json()["access_token"]
    return token


def id_token(site: Site) -> str:
    """By a person who is signed in, without a page."""
    app = site.app(SIGN_IN)
    own = {"client_id": app["client_id"], "redirect_uri": app["redirect_uris"][0]}
    asked = own | {"response_type": "code", "scope": "openid", "prompt": "none"}
    asked_at = f"{site.issuer}/oauth/authorize?{urlencode(asked)}"
    left_to = site.school.browser.client.get(asked_at, follow_redirects=False).headers["location"]
    sent = own | {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(left_to).query)["code"][0],
        "client_secret": app["client_secret"],
    }
    token: str = httpx2.post(f"{site.issuer}/oauth/token", data=sent).json()["id_token"]
    return token


@pytest.mark.once
def test_keys_rotate_under_two_workers_at_work_and_every_signature_verifies(tmp_path: Path) -> None:
    with running(tmp_path, workers=2) as site:
        address = site.metadata()["jwks_uri"]
        stop, failures = threading.Event(), list[Exception]()
        kinds: list[tuple[Verifier, Callable[[Site], str], str]] = [
            (Verifier(address), partner_token, "ES256"),
            (Verifier(address), partner_token, "ES256"),
            (Verifier(address), id_token, "RS256"),
        ]

        def works(partner: Verifier, fetch: Callable[[Site], str], algorithm: str) -> None:
            while not stop.is_set():
                try:
                    partner.reads(fetch(site), algorithm)
                except Exception as failed:
                    failures.append(failed)

        threads = [threading.Thread(target=works, args=kind) for kind in kinds]
        for thread in threads:
            thread.start()
        time.sleep(2)
        fresh = site.gatehouse("keys", "rotate")["kids"]
        time.sleep(keys.LEAD_SECONDS + keys.KEPT_SECONDS)
        stop.set()
        for thread in threads:
            thread.join()

        assert failures == []
        published = jwk.KeySet.import_key_set(httpx2.get(address).json())
        for partner, _, algorithm in kinds:
            assert len(partner.seen) == 2 and partner.seen[1] in fresh
            for token in (partner.tokens[0], partner.tokens[-1]):
                jwt.decode(token, published, algorithms=[algorithm])

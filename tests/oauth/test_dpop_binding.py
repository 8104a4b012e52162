"""protocol.md 52 and 53, and refresh tokens: what is bound to a key, by whom and for how long (RFC 9449)."""

import time
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select
from starlette.types import ASGIApp

from app.db import sessions
from app.models.token import REFRESH, Token
from app.settings import settings
from tests.oauth.dance import Dance, refusal
from tests.oauth.proofs import Signer, brings, pushed, pushes
from tests.oauth.test_dpop import bound, reads, said
from tests.pages import Browser


def test_52_a_code_that_is_bound_needs_its_key(dance: Dance, key: Signer) -> None:
    code = dance.code(dpop_jkt=key.thumbprint)
    assert refusal(dance.redeems(code)) == (400, "invalid_dpop_proof")
    assert refusal(dance.redeems(code, headers=Signer().proves())) == (400, "invalid_grant")
    assert dance.redeems(code, headers=key.proves()).json()["token_type"] == "DPoP"


def test_52_a_push_with_a_proof_binds_the_code(dance: Dance, key: Signer) -> None:
    par: dict[str, Any] = {"htu": f"{settings.issuer}/oauth/par"}
    other = Signer()
    assert refusal(pushes(dance, headers=other.proves(**par), dpop_jkt=key.thumbprint)) == (400, "invalid_dpop_proof")
    assert refusal(pushes(dance, headers=key.proves())) == (400, "invalid_dpop_proof"), "a proof for another address"
    sound: tuple[dict[str, Any], ...] = (
        {"headers": key.proves(**par)},
        {"dpop_jkt": key.thumbprint},
        {"headers": key.proves(**par), "dpop_jkt": key.thumbprint},
    )
    for sent in sound:
        reference = pushed(dance, **sent)
        dance.signs_in()
        dance.browser.opens("/oauth/authorize?" + urlencode(brings(dance, reference)))
        dance.browser.presses("Authorise")
        code = dance.answered()["code"]
        assert refusal(dance.redeems(code)) == (400, "invalid_dpop_proof")
        assert refusal(dance.redeems(code, headers=other.proves())) == (400, "invalid_grant")
        assert dance.redeems(code, headers=key.proves()).status_code == 200


@pytest.mark.parametrize("jkt", ["x", "A" * 42, "A" * 44, "A" * 42 + "="])
def test_52_a_thumbprint_that_is_none_is_refused(dance: Dance, key: Signer, jkt: str) -> None:
    assert refusal(pushes(dance, dpop_jkt=jkt)) == (400, "invalid_request")
    assert pushes(dance, dpop_jkt=key.thumbprint).status_code == 201


def refresh_rows() -> int:
    with sessions.read() as db:
        return db.scalar(select(func.count()).select_from(Token).where(Token.purpose == REFRESH)) or 0


def test_a_confidential_apps_bound_refresh_token_stays_and_any_key_takes_it_on(dance: Dance, key: Signer) -> None:
    tokens = bound(dance, key)
    refused = dance.refreshes(tokens["refresh_token"])
    assert refusal(refused) == (400, "invalid_dpop_proof")
    for signer in (key, Signer(), key):
        fresh = dance.refreshes(tokens["refresh_token"], headers=signer.proves()).json()
        assert fresh["refresh_token"] == tokens["refresh_token"]
        assert fresh["token_type"] == "DPoP"
        assert reads(signer.proves(fresh["access_token"])).status_code == 200
        if signer is not key:
            assert said(reads(key.proves(fresh["access_token"]))) == (401, "invalid_token")
    assert refresh_rows() == 1
    dance.posts({"token": tokens["refresh_token"]}, path="/oauth/revoke")
    assert refusal(dance.refreshes(tokens["refresh_token"], headers=key.proves())) == (400, "invalid_grant")


def test_a_public_apps_refresh_token_needs_its_own_key_and_rotates(
    server: ASGIApp, browser: Browser, key: Signer
) -> None:
    dance = Dance(server, browser, auth_method="none")
    tokens = bound(dance, key)
    assert refusal(dance.refreshes(tokens["refresh_token"])) == (400, "invalid_dpop_proof")
    assert refusal(dance.refreshes(tokens["refresh_token"], headers=Signer().proves())) == (400, "invalid_grant")
    fresh = dance.refreshes(tokens["refresh_token"], headers=key.proves()).json()
    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert reads(key.proves(fresh["access_token"])).status_code == 200
    again = dance.refreshes(fresh["refresh_token"], headers=key.proves())
    assert again.status_code == 200
    reused = dance.refreshes(tokens["refresh_token"], headers=key.proves())
    assert refusal(reused) == (400, "invalid_grant")
    gone = dance.refreshes(again.json()["refresh_token"], headers=key.proves())
    assert refusal(gone) == (400, "invalid_grant"), "reuse ends the family"


def test_a_refresh_with_a_proof_binds_what_was_not_bound(dance: Dance, key: Signer) -> None:
    tokens = dance.tokens()
    fresh = dance.refreshes(tokens["refresh_token"], headers=key.proves()).json()
    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert fresh["token_type"] == "DPoP"
    assert reads(key.proves(fresh["access_token"])).status_code == 200
    assert refusal(dance.refreshes(fresh["refresh_token"])) == (400, "invalid_dpop_proof"), "it was made with a proof"
    assert dance.refreshes(fresh["refresh_token"], headers=key.proves()).status_code == 200


def test_53_with_the_nonce_policy_a_proof_carries_our_nonce(
    dance: Dance, key: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "dpop_nonce", True)
    code = dance.code()
    refused = dance.redeems(code, headers=key.proves())
    assert refusal(refused) == (400, "use_dpop_nonce")
    nonce = refused.headers["dpop-nonce"]
    for wrong in ("", "x", nonce[:-1], nonce + "A", 7):
        assert refusal(dance.redeems(code, headers=key.proves(nonce=wrong))) == (400, "use_dpop_nonce")
    answered = dance.redeems(code, headers=key.proves(nonce=nonce))
    assert answered.status_code == 200 and answered.headers["dpop-nonce"], "a fresh one comes with every answer"
    token = answered.json()["access_token"]
    refused = reads(key.proves(token))
    assert said(refused) == (401, "use_dpop_nonce")
    opened = reads(key.proves(token, nonce=refused.headers["dpop-nonce"]))
    assert opened.status_code == 200 and opened.headers["dpop-nonce"]


def test_53_a_nonce_lives_for_five_minutes_and_in_every_worker(
    dance: Dance, key: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "dpop_nonce", True)
    code, now = dance.code(), time.time()
    with monkeypatch.context() as then:
        then.setattr("itsdangerous.timed.time.time", lambda: now - 301)
        old = dance.redeems(code, headers=key.proves()).headers["dpop-nonce"]
    assert refusal(dance.redeems(code, headers=key.proves(nonce=old))) == (400, "use_dpop_nonce")
    with monkeypatch.context() as then:
        then.setattr("itsdangerous.timed.time.time", lambda: now - 290)
        young = dance.redeems(code, headers=key.proves()).headers["dpop-nonce"]
    assert dance.redeems(code, headers=key.proves(nonce=young)).status_code == 200


def test_53_without_the_policy_nothing_is_handed_out_and_a_nonce_is_ignored(dance: Dance, key: Signer) -> None:
    answered = dance.redeems(dance.code(), headers=key.proves(nonce="whatever"))
    assert answered.status_code == 200 and "dpop-nonce" not in answered.headers

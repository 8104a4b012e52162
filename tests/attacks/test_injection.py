"""Codes, requests, sessions and cookies where they do not belong. protocol.md 31, 37, 38, 62; security.md 7."""

from urllib.parse import urlsplit

import pytest
from starlette.types import ASGIApp

from app.db import sessions
from app.models.partner import OIDC
from app.secrets import new_secret
from app.settings import settings
from app.web import cookies
from app.web.remembered import COOKIE
from tests import factories
from tests.oauth.dance import CALLBACK, Dance, challenge, is_page, refusal, types_everything
from tests.oauth.oidc import site, told
from tests.oauth.proofs import Keyed, Signer, pushed
from tests.pages import Browser


def test_37_a_stolen_code_is_worth_nothing_to_any_app_by_any_method(server: ASGIApp, browser: Browser) -> None:
    victim = Dance(server, browser)
    thieves = [
        Dance(server, browser, urn=100002, name="Basic thief"),
        Dance(server, browser, urn=100003, name="Post thief", auth_method="client_secret_post"),
        Dance(server, browser, urn=100004, name="Public thief", auth_method="none"),
        Keyed(server, browser, urn=100005, name="Signing thief"),
    ]
    code = victim.code()
    for thief in thieves:
        for verifier in (victim.verifier, thief.verifier):
            assert refusal(thief.redeems(code, code_verifier=verifier)) == (400, "invalid_grant")
            proof = Signer().proves()
            assert refusal(thief.redeems(code, code_verifier=verifier, headers=proof)) == (400, "invalid_grant")
    assert victim.redeems(code).status_code == 200, "and no attempt has used it up"


def test_37_a_code_that_is_brought_into_another_request_does_not_fit(dance: Dance) -> None:
    """The victim's code in the attacker's own visit: PKCE ties each code to the request that it came from."""
    verifiers = ["a" * 43, "b" * 43]
    codes = [dance.code(code_challenge=challenge(verifier), state=verifier[0]) for verifier in verifiers]
    for code, verifier in zip(codes, reversed(verifiers), strict=True):
        assert refusal(dance.redeems(code, code_verifier=verifier)) == (400, "invalid_grant")
    for code, verifier in zip(codes, verifiers, strict=True):
        assert dance.redeems(code, code_verifier=verifier).status_code == 200


def test_62_without_pkce_the_nonce_betrays_an_injected_code(server: ASGIApp, browser: Browser) -> None:
    dance = site(server, browser, profile=OIDC)
    dance.signs_in()
    for nonce in ("the victim's", "the attacker's"):
        dance.opens(scope="openid", nonce=nonce, code_challenge=None, code_challenge_method=None)
        code = dance.answered()["code"]
        assert refusal(dance.redeems(code)) == (400, "invalid_request"), "a verifier where none was challenged (38)"
        answered = dance.redeems(code, code_verifier=None).json()
        assert told(dance, answered["id_token"], "RS256")["nonce"] == nonce


def test_38_no_challenge_can_be_taken_off_on_the_way(dance: Dance) -> None:
    """PKCE downgrade: whoever strips the challenge, or the method, gets an error and no code."""
    dance.signs_in()
    for stripped in ({"code_challenge": None}, {"code_challenge_method": None}, {"code_challenge_method": "plain"}):
        answered = dance.asks(prompt="none", **stripped)
        assert "error=invalid_request" in answered.headers["location"] and "code=" not in answered.headers["location"]
    code = dance.code()
    for verifier in (None, "", challenge(dance.verifier), dance.verifier + "a", dance.verifier[:-1], "%00"):
        status, error = refusal(dance.redeems(code, code_verifier=verifier))
        assert status == 400 and error in ("invalid_grant", "invalid_request")
    assert dance.redeems(code).status_code == 200


def test_31_whoever_plants_the_browsers_cookie_gets_no_code_out_of_it(
    dance: Dance, server: ASGIApp, other_browser: Browser
) -> None:
    """Fixation: the attacker's browser secret in the victim's browser, which then decides."""
    planted = new_secret("gh_br")
    for one in (dance.browser, other_browser):
        one.client.cookies.set(cookies.name(COOKIE), planted)
    dance.signs_in()
    dance.opens()
    page = dance.browser.path
    other_browser.opens(page)
    assert "Sign in" in other_browser.text and dance.admin.name not in other_browser.text
    dance.browser.presses("Authorise")
    code = dance.answered()["code"]
    for method in ("GET", "POST"):
        answered = other_browser.client.request(
            method, page, data={"decision": "authorise"} if method == "POST" else None
        )
        assert answered.status_code == 410 and code not in answered.text
    assert dance.redeems(code).status_code == 200


def test_31_a_colleague_in_the_same_browser_decides_as_themselves(dance: Dance) -> None:
    """A page opened by one, posted under the session of another who does not decide."""
    dance.signs_in()
    dance.opens()
    page = dance.browser.path
    shown = dance.browser.document.xpath("//input[@name='shown']/@value")[0]
    with sessions.begin() as db:
        reader = factories.admin(db, dance.school, role="Read-only")
    yes = {"decision": "authorise", "shown": shown, "scope-school": "yes"}
    dance.signs_in(reader)
    dance.browser.posts(page, 403, **yes)
    dance.signs_in()
    dance.browser.posts(page, **yes)
    assert dance.browser.left_to.startswith(f"{CALLBACK}?")


def test_a_session_that_was_planted_before_signing_in_is_worth_nothing_after_it(
    dance: Dance, server: ASGIApp, other_browser: Browser
) -> None:
    """security.md 7: the id is new after each step, whatever the browser brought."""
    planted = new_secret("gh_ss")
    for one in (dance.browser, other_browser):
        one.client.cookies.set(cookies.name(), planted, domain=urlsplit(settings.issuer).hostname or "")
    dance.opens()
    dance.browser.follows("Sign in")
    ids = [planted]
    dance.browser.fills("Username or email address", dance.admin.email)
    dance.browser.fills("Password", factories.PASSWORD)
    dance.browser.presses("Sign in")
    ids.append(_session(dance.browser))
    dance.browser.fills("Code from your authenticator app", factories.code())
    dance.browser.presses("Continue")
    ids.append(_session(dance.browser))
    assert len(set(ids)) == 3
    for old in ids[:2]:
        other_browser.client.cookies.clear()
        other_browser.client.cookies.set(cookies.name(), old)
        other_browser.opens("/school")
        assert other_browser.path.startswith("/sign-in")
    dance.browser.presses("Authorise")
    assert dance.redeems(dance.answered()["code"]).status_code == 200


def _session(browser: Browser) -> str:
    (found,) = [cookie.value or "" for cookie in browser.client.cookies.jar if cookie.name == cookies.name()]
    return found


@pytest.mark.parametrize("how", ["pushed", "plain"])
def test_31_a_request_of_one_app_is_never_finished_as_anothers(server: ASGIApp, browser: Browser, how: str) -> None:
    """Mixing up apps: the id of one beside the request, or the reference, of the other."""
    mine, other = Dance(server, browser), Dance(server, browser, urn=100002, name="Other")
    mine.signs_in()
    asked = {"client_id": other.app.client_id, "request_uri": pushed(mine)}
    if how == "plain":
        asked = mine.request(client_id=other.app.client_id, redirect_uri="https://partner.example/other")
    assert is_page(browser.client.get("/oauth/authorize", params=asked))
    assert is_page(browser.client.get("/oauth/authorize", params=asked | {"prompt": "none"}))
    assert mine.redeems(mine.code()).status_code == 200


def test_18_signing_in_on_the_way_leads_to_the_request_that_asked_and_nowhere_else(dance: Dance) -> None:
    dance.opens()
    waiting = dance.browser.path
    for next_path in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "/%2f%2fevil.example",
    ):
        dance.browser.opens(f"/sign-in?next={next_path}")
        dance.browser.posts("/sign-in", 422, login="x", password="y", next=next_path)
        assert "evil.example" not in str(dance.browser.document.xpath("//a/@href | //form/@action"))
    dance.browser.opens(waiting)
    dance.browser.follows("Sign in")
    types_everything(dance.browser, dance.admin)
    assert dance.browser.path == waiting

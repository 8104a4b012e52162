"""Addresses that look like the registered one, wherever one can be sent. protocol.md 7, 15, 20, 29, 37, 65."""

from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.types import ASGIApp

from tests.oauth.dance import CALLBACK, Dance, authorisations, is_page, refusal, sent_back
from tests.oauth.oidc import signs_in_to, site
from tests.oauth.proofs import pushed, pushes
from tests.oauth.test_logout import asks_first, is_signed_in, leaves
from tests.pages import Browser

pytestmark = pytest.mark.once

EVIL = "https://evil.example/callback"
LOOKALIKES = (
    f"{CALLBACK}/",
    f"{CALLBACK}?",
    f"{CALLBACK}#",
    f"{CALLBACK}#x",
    f"{CALLBACK};x",
    f"{CALLBACK}.html",
    f"{CALLBACK}%20",
    f"{CALLBACK}%00",
    f"{CALLBACK}%0d%0aLocation: {EVIL}",
    f"{CALLBACK}\n",
    f"{CALLBACK}\t",
    f" {CALLBACK}",
    f"{CALLBACK}\\",
    f"{CALLBACK}/..",
    f"{CALLBACK}/../evil",
    f"{CALLBACK}/%2e%2e/evil",
    f"{CALLBACK}%2f..%2fevil",
    f"{CALLBACK} {EVIL}",
    f"{CALLBACK},{EVIL}",
    "https://partner.example/./callback",
    "https://partner.example//callback",
    "https://partner.example/x/../callback",
    "https://partner.example/%63allback",
    "https://partner.example/CALLBACK",
    "https://partner.example/",
    "https://partner.example",
    "https://partner.example./callback",
    "https://PARTNER.example/callback",
    "HTTPS://partner.example/callback",
    "http://partner.example/callback",
    "https:partner.example/callback",
    "https:/partner.example/callback",
    "https:///partner.example/callback",
    "https:\\\\partner.example\\callback",
    "//partner.example/callback",
    "/callback",
    "callback",
    "https://partner.example:443/callback",
    "https://partner.example:/callback",
    "https://partner.example:8443/callback",
    "https://user@partner.example/callback",
    "https://user:word@partner.example/callback",
    "https://partner.example@evil.example/callback",
    "https://partner.example%40evil.example/callback",
    "https://evil.example\\@partner.example/callback",
    "https://evil.example#@partner.example/callback",
    "https://evil.example?https://partner.example/callback",
    "https://evil.example/https://partner.example/callback",
    "https://partner.example.evil.example/callback",
    "https://evilpartner.example/callback",
    "https://www.partner.example/callback",
    "https://partner.example%2eevil.example/callback",
    "https://partner.example%00.evil.example/callback",
    "https://partner.exampl\u0435/callback",
    "https://\uff50artner.example/callback",
    "https://partner\u3002example/callback",
    "https://partner.example/c\u0430llback",
    "https://partner.ex\u00adample/callback",
    "https://[::1]/callback",
    "https://[::ffff:192.0.2.1]/callback",
    "https://[partner.example]/callback",
    "https://192.0.2.1/callback",
    "javascript:location='https://partner.example/callback'",
    "data:text/html,https://partner.example/callback",
    "intent://partner.example/callback#Intent;scheme=https;end",
    "*",
    "https://*.example/callback",
    EVIL,
)


def test_7_no_lookalike_is_ever_led_to_by_authorize(dance: Dance) -> None:
    dance.signs_in()
    for address in LOOKALIKES:
        for changed in ({}, {"prompt": "none"}, {"response_type": "token", "prompt": "none"}):
            assert is_page(dance.asks(redirect_uri=address, **changed)), address
        turned = dance.browser.client.post("/oauth/authorize", data=dance.request(redirect_uri=address))
        assert is_page(dance.browser.client.get(turned.headers["location"])), address
        assert is_page(dance.asks(f"&{urlencode({'redirect_uri': address})}", prompt="none")), address
    assert authorisations() == []
    assert "code" in sent_back(dance_says_yes(dance))


def dance_says_yes(dance: Dance) -> Any:
    """A silent answer after the school has agreed once."""
    dance.tokens()
    return dance.asks(prompt="none")


def test_29_no_lookalike_can_be_pushed(dance: Dance) -> None:
    for address in LOOKALIKES:
        assert refusal(pushes(dance, redirect_uri=address)) == (400, "invalid_request"), address
    assert pushed(dance)


def test_29_what_stands_beside_a_reference_changes_no_address(dance: Dance) -> None:
    dance.tokens()
    for address in (EVIL, LOOKALIKES[0]):
        asked = {"client_id": dance.app.client_id, "request_uri": pushed(dance, prompt="none"), "redirect_uri": address}
        assert "code" in sent_back(dance.browser.client.get("/oauth/authorize", params=asked)), "to the pushed address"


def test_37_no_lookalike_fits_a_code(dance: Dance) -> None:
    code = dance.code()
    for address in LOOKALIKES:
        status, error = refusal(dance.redeems(code, redirect_uri=address))
        assert status == 400 and error in ("invalid_grant", "invalid_request"), address
    assert dance.redeems(code).status_code == 200


def test_65_no_lookalike_is_led_to_after_signing_out(server: ASGIApp, browser: Browser) -> None:
    dance = site(server, browser, post_logout_redirect_uris=[CALLBACK])
    dance.signs_in()
    mine = signs_in_to(dance)["id_token"]
    for address in LOOKALIKES:
        assert asks_first(leaves(dance, id_token_hint=mine, post_logout_redirect_uri=address)), address
    assert is_signed_in(dance)
    assert leaves(dance, id_token_hint=mine, post_logout_redirect_uri=CALLBACK).headers["location"] == CALLBACK


def test_7_another_port_on_loopback_is_another_address(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, redirect_uris=["http://127.0.0.1:9000/callback"])
    for address in ("http://127.0.0.1:9001/callback", "http://localhost:9000/callback", "http://127.1:9000/callback"):
        assert is_page(dance.asks(redirect_uri=address, prompt="none"))
    assert sent_back(dance.asks(prompt="none"), "http://127.0.0.1:9000/callback")["error"] == "login_required"


def test_20_nothing_that_is_posted_turns_a_decision_elsewhere(dance: Dance) -> None:
    dance.signs_in()
    elsewhere = dict.fromkeys(("redirect_uri", "next", "return_to", "url", "path", "state", "client_id"), EVIL)
    dance.opens()
    dance.browser.posts(dance.browser.path, decision="decline", **elsewhere)
    assert dance.browser.left_to.startswith(f"{CALLBACK}?")
    assert (dance.answered()["error"], dance.answered()["state"]) == ("access_denied", "st-1")
    dance.opens()
    shown = dance.browser.document.xpath("//input[@name='shown']/@value")[0]
    dance.browser.posts(dance.browser.path, **elsewhere, decision="authorise", shown=shown, **{"scope-school": "yes"})
    assert dance.browser.left_to.startswith(f"{CALLBACK}?")
    assert dance.redeems(dance.answered()["code"]).status_code == 200


WRONG: tuple[dict[str, Any], ...] = (
    {"response_type": None},
    {"response_type": "token"},
    {"response_type": "code id_token"},
    {"response_mode": "fragment"},
    {"response_mode": "form_post"},
    {"scope": "everything"},
    {"scope": None},
    {"code_challenge": None},
    {"code_challenge_method": "plain"},
    {"prompt": "none login"},
    {"prompt": "create"},
    {"max_age": "-1"},
    {"dpop_jkt": "x"},
    {"resource": "https://evil.example"},
    {"request": "e30.e30."},
    {"request_uri": "https://evil.example/request.jwt"},
    {"request_uri": "urn:ietf:params:oauth:request_uri:gh_pr_nothing"},
    {"authorization_details": "{"},
    {"grant_id": "00000000-0000-0000-0000-000000000000"},
    {"id_token_hint": "e30.e30.e30"},
)


@pytest.mark.parametrize("wrong", WRONG)
def test_15_every_error_that_goes_home_says_who_sends_it(dance: Dance, wrong: dict[str, Any]) -> None:
    """RFC 9207: an app that works with several servers can tell ours from one that is mixed up with it."""
    dance.signs_in()
    answered = sent_back(dance.asks(**wrong))
    assert answered["error"] and answered["state"] == "st-1" and "code" not in answered
    assert sent_back(dance_says_yes(dance))["code"]

"""protocol.md, Authorize: what is checked before anybody sees a page, and where errors go. 6 to 23, 31, 32."""

import uuid
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.types import ASGIApp

from app.db import sessions
from app.models.base import now
from app.models.partner import App
from app.models.token import AuthorizationRequest
from app.settings import settings
from tests import factories
from tests.oauth.dance import CALLBACK, Dance, challenge, is_page, sent_back
from tests.pages import Browser

SILENT = {"prompt": "none"}
CASES: list[dict[str, Any]] = [{}, {"state": "x" * 4000}, SILENT, {"scope": "everything"}]
OTHER_CHALLENGES: dict[str, dict[str, Any]] = {
    "no challenge": {"code_challenge": None},
    "plain": {"code_challenge_method": "plain"},
    "method left out": {"code_challenge_method": None},
    "42 characters": {"code_challenge": "a" * 42},
    "129 characters": {"code_challenge": "a" * 129},
    "a character too many": {"code_challenge": "a" * 42 + "+"},
}


def test_6_an_unknown_app_gets_a_page(dance: Dance) -> None:
    assert is_page(dance.asks(client_id="app_unknown"))
    assert is_page(dance.asks(client_id=None))
    assert dance.asks().status_code == 303


@pytest.mark.parametrize(
    "address",
    [
        None,
        "https://partner.example/callback/",
        "https://partner.example/callback?x=1",
        "https://partner.example/Callback",
        "https://partner.example:443/callback",
        "https://partner.example/callback#",
        "https://evil.example/callback",
        "https://partner.example@evil.example/callback",
        "//partner.example/callback",
        "javascript:alert(1)",
        "https://partner.example/call%62ack",
        "https://partner.example/callback\r\nSet-Cookie: a=b",
    ],
)
@pytest.mark.parametrize("wrong", [{}, {"scope": "everything", "response_type": "token", "code_challenge": None}])
def test_7_an_unregistered_redirect_uri_gets_a_page_whatever_else_is_wrong(
    dance: Dance, address: str | None, wrong: dict[str, Any]
) -> None:
    dance.signs_in()

    assert is_page(dance.asks(redirect_uri=address, **wrong))
    assert is_page(dance.asks(redirect_uri=address, **wrong, **SILENT))

    assert dance.asks().status_code == 303


def test_9_only_response_type_code(dance: Dance) -> None:
    dance.signs_in()
    assert sent_back(dance.asks(response_type=None))["error"] == "invalid_request"
    for other in ("token", "id_token", "code token", "none"):
        assert sent_back(dance.asks(response_type=other))["error"] == "unsupported_response_type"
    assert dance.asks().headers["location"].startswith("/oauth/authorize/")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "scope", "state", "code_challenge", "prompt", "colour"])
def test_10_a_parameter_sent_twice_is_refused(dance: Dance, name: str) -> None:
    dance.signs_in()
    same = (dance.request() | SILENT | {"colour": "green"})[name]

    for value in (same, "something else"):
        twice = dance.asks(f"&{urlencode({name: value})}", colour="green", prompt="none")
        if name in ("client_id", "redirect_uri"):
            assert is_page(twice)
        else:
            assert sent_back(twice)["error"] == "invalid_request"

    assert sent_back(dance.asks(prompt="none"))["error"] == "consent_required", "asked once, only the yes is missing"


def test_10_a_resource_may_be_named_twice(dance: Dance) -> None:
    more = "&" + urlencode([("resource", settings.issuer), ("resource", f"{settings.issuer}/")])
    assert dance.asks(more).headers["location"].startswith("/oauth/authorize/")


def test_11_an_unknown_parameter_is_ignored(dance: Dance) -> None:
    assert dance.asks(colour="green", display="popup", ui_locales="cy en").headers["location"].startswith("/oauth/")


def test_12_a_scope_beyond_the_apps_list_is_refused(dance: Dance) -> None:
    dance.signs_in()
    for scope in (None, "everything", "school everything", "school profile", "School", "school\tschool"):
        assert sent_back(dance.asks(scope=scope))["error"] == "invalid_scope"
    assert dance.asks(scope="school school").headers["location"].startswith("/oauth/authorize/")


@pytest.mark.parametrize("case", OTHER_CHALLENGES)
def test_13_only_a_sound_s256_challenge_will_do(dance: Dance, case: str) -> None:
    dance.signs_in()
    assert sent_back(dance.asks(**OTHER_CHALLENGES[case]))["error"] == "invalid_request"
    assert dance.asks().headers["location"].startswith("/oauth/authorize/")


def test_13_profile_oidc_may_do_without(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, profile="oidc")
    dance.signs_in()
    left_out: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
    assert dance.asks(**left_out).headers["location"].startswith("/oauth/authorize/")
    assert sent_back(dance.asks(code_challenge_method="plain"))["error"] == "invalid_request"


@pytest.mark.parametrize(
    "state", ["x" * 4000, "a b+c&d=e%20f", "/?#[]@!$'()*,;:", "§ Ysgol Pŵllheli 学校 🎒", "line\r\nbreak", "=&="]
)
def test_14_the_state_comes_back_as_it_was(dance: Dance, state: str) -> None:
    dance.signs_in()

    assert sent_back(dance.asks(state=state, prompt="none"))["state"] == state

    dance.opens(state=state)
    dance.browser.presses("Authorise")
    assert dance.answered()["state"] == state


def test_14_a_state_that_was_absent_stays_absent(dance: Dance) -> None:
    dance.signs_in()
    assert "state" not in sent_back(dance.asks(state=None, prompt="none"))
    dance.opens(state=None)
    dance.browser.presses("Authorise")
    assert set(dance.answered()) == {"code", "iss"}


def test_15_the_issuer_is_in_success_and_error(dance: Dance) -> None:
    dance.signs_in()
    assert sent_back(dance.asks(prompt="none"))["iss"] == settings.issuer
    dance.opens()
    dance.browser.presses("Authorise")
    assert dance.answered()["iss"] == settings.issuer


def test_16_a_post_from_anywhere_equals_a_get(dance: Dance) -> None:
    dance.signs_in()
    foreign = {"sec-fetch-site": "cross-site", "origin": "https://partner.example"}
    for changed in CASES:
        asked = dance.request(**changed)
        posted = dance.browser.client.post("/oauth/authorize", data=asked, headers=foreign)
        assert posted.status_code == 303
        assert posted.headers["location"].startswith("/oauth/authorize?")
        assert "set-cookie" not in posted.headers
        by_post = dance.browser.client.get(posted.headers["location"]).headers["location"]
        by_get = dance.asks(**changed).headers["location"]
        assert by_post.partition("?")[2] == by_get.partition("?")[2]
        assert by_post.startswith(("/oauth/authorize/", CALLBACK))


def test_16_a_post_keeps_doubles_and_broken_bytes_so_that_they_are_refused(dance: Dance) -> None:
    dance.signs_in()
    form = {"content-type": "application/x-www-form-urlencoded"}
    for tail in ("&scope=school", "&nonce=%ff", "&nonce=%00"):
        body = urlencode(dance.request()) + tail
        posted = dance.browser.client.post("/oauth/authorize", content=body, headers=form)
        followed = dance.browser.client.get(posted.headers["location"])
        assert sent_back(followed)["error"] == "invalid_request"
    assert is_page(dance.browser.client.post("/oauth/authorize", json=dance.request()))
    assert is_page(dance.browser.client.post("/oauth/authorize", data={**dance.request(), "state": "x" * 25_000}))


def test_21_request_objects_are_refused_and_nothing_is_fetched(dance: Dance) -> None:
    dance.signs_in()
    assert sent_back(dance.asks(request="eyJhbGciOiJub25lIn0.e30."))["error"] == "request_not_supported"
    for address in ("https://partner.example/request.jwt", "urn:ietf:params:oauth:request_uri:not-ours"):
        assert sent_back(dance.asks(request_uri=address))["error"] == "request_uri_not_supported"
    assert dance.asks().headers["location"].startswith("/oauth/authorize/")


@pytest.mark.parametrize("path", ["/oauth/authorize/", "/oauth/token/", "//oauth/authorize"])
def test_22_no_address_beside_the_right_one_repeats_a_post(dance: Dance, path: str) -> None:
    same = {"sec-fetch-site": "same-origin"}
    answered = dance.programs.post(path, data=dance.request(), headers=same, follow_redirects=False)
    assert answered.status_code == 404
    right = dance.programs.post("/oauth/authorize", data=dance.request(), follow_redirects=False)
    assert right.status_code == 303


@pytest.mark.parametrize(
    "changed",
    [
        {"scope": "everything"},
        {"response_type": "token"},
        {"code_challenge": None},
        {"max_age": "-1"},
        {"request": "x"},
    ],
)
def test_23_without_a_session_an_error_stays_on_our_page(dance: Dance, changed: dict[str, Any]) -> None:
    assert is_page(dance.asks(**changed))
    assert "error" in sent_back(dance.asks(**changed, **SILENT))
    dance.signs_in()
    assert "error" in sent_back(dance.asks(**changed))


def test_23_a_scope_not_offered_yet_is_the_same_error_with_and_without_a_session(
    server: ASGIApp, browser: Browser
) -> None:
    dance = Dance(server, browser, scopes=("school", "timetable"))
    anonymous = dance.asks(scope="school timetable")
    assert is_page(anonymous) and "invalid_scope" in anonymous.text
    dance.signs_in()
    assert sent_back(dance.asks(scope="school timetable"))["error"] == "invalid_scope"
    assert dance.asks().headers["location"].startswith("/oauth/authorize/")


def test_23_a_session_with_a_step_still_open_counts_as_none(dance: Dance) -> None:
    dance.browser.opens("/sign-in")
    dance.browser.fills("Username or email address", dance.admin.email)
    dance.browser.fills("Password", factories.PASSWORD)
    dance.browser.presses("Sign in")
    assert is_page(dance.asks(scope="everything"))
    assert sent_back(dance.asks(prompt="none"))["error"] == "login_required"
    dance.signs_in()
    assert sent_back(dance.asks(scope="everything"))["error"] == "invalid_scope"


def test_32_a_fapi2_app_must_push_its_request(server: ASGIApp, browser: Browser) -> None:
    dance = Dance(server, browser, profile="fapi2", auth_method="private_key_jwt")
    dance.signs_in()
    assert sent_back(dance.asks())["error"] == "invalid_request"


def test_58_an_unknown_resource_is_refused(dance: Dance) -> None:
    dance.signs_in()
    for resource in ("https://other.example", f"{settings.issuer}.evil.example", "x"):
        assert sent_back(dance.asks(resource=resource))["error"] == "invalid_target"
    assert dance.asks(resource=settings.issuer).headers["location"].startswith("/oauth/authorize/")


def test_a_suspended_app_asks_nobody(dance: Dance) -> None:
    assert dance.asks().status_code == 303
    with sessions.begin() as db:
        db.get_one(App, dance.app.id).suspended_at = now()
    assert is_page(dance.asks())
    assert is_page(dance.asks(prompt="none"))


def test_the_answer_joins_the_query_of_the_registered_address(server: ASGIApp, browser: Browser) -> None:
    address = "https://partner.example/callback?tenant=7"
    dance = Dance(server, browser, redirect_uris=[address])
    location = dance.asks(prompt="none").headers["location"]
    assert location.startswith(f"{address}&error=login_required&")


def test_only_the_form_content_of_the_request_is_remembered(dance: Dance) -> None:
    location = dance.asks(colour="green" * 100, code_challenge=challenge("v" * 43)).headers["location"]
    with sessions.read() as db:
        kept = db.get_one(AuthorizationRequest, uuid.UUID(location.rpartition("/")[2])).parameters
    assert "colour" not in kept["values"] and kept["values"]["code_challenge"] == challenge("v" * 43)

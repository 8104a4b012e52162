"""What is large, deep or guessed: refused within a second, in the same words whether it exists or not. 28, 60, 69."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from starlette.types import ASGIApp, Message

from app.oauth.par import URN
from app.secrets import new_secret, with_checksum
from app.web import throttle
from tests.attacks.wire import calls, is_sound
from tests.oauth.agents import Agent
from tests.oauth.dance import Dance, is_page, refusal
from tests.oauth.proofs import ASSERTED, Keyed, Signer, b64, part, pushed
from tests.oauth.test_client_credentials import token as partner_token
from tests.pages import Browser

DEEP = 200_000
FORM = (b"content-type", b"application/x-www-form-urlencoded")
ENDPOINTS = ("token", "par", "introspect", "revoke", "device_authorization", "authorize", "logout", "userinfo")
HUGE: dict[str, tuple[list[tuple[bytes, bytes]], bytes]] = {
    "a body of two megabytes": ([FORM], b"scope=" + b"a" * 2_000_000),
    "a body that lies about its size": ([FORM, (b"content-length", b"5")], b"scope=" + b"a" * 2_000_000),
    "a scope of almost a megabyte": ([FORM], b"scope=" + b"a%20" * 240_000),
    "a hundred thousand fields": ([FORM], b"a=&" * 100_000),
    "a hundred thousand times the same": ([FORM], b"resource=a&" * 90_000),
    "deep JSON in a parameter": ([FORM], b"authorization_details=" + b"[" * DEEP),
    "deep JSON as a key": ([FORM], b"client_id=gatehouse-agent&machine=a&jwk=" + b'{"a":' * DEEP),
    "deep JSON as the body": ([(b"content-type", b"application/json")], b"[" * DEEP),
    "an assertion of half a megabyte": (
        [FORM],
        f"client_assertion_type={ASSERTED}&client_assertion=e30.{'A' * 500_000}.AA".encode(),
    ),
    "an assertion that is deep": (
        [FORM],
        f"client_assertion_type={ASSERTED}&client_assertion={part({'alg': 'ES256'})}.{b64(b'[' * 20_000)}.AA".encode(),
    ),
    "percent signs": ([FORM], b"%" * 900_000),
    "NUL": ([FORM], b"\x00" * 30_000),
    "bad UTF-8": ([FORM], b"scope=" + b"\xff" * 30_000),
    "no kind of content": ([], b"grant_type=client_credentials"),
    "two kinds of content": ([FORM, (b"content-type", b"text/plain")], b"a=b"),
    "an odd kind of content": ([(b"content-type", b"\xff/\x80; charset=\xfe")], b"a=b"),
    "a proof of a megabyte": ([FORM, (b"dpop", b"A" * 60_000)], b"grant_type=client_credentials"),
    "an Authorization header of 60 kB": ([FORM, (b"authorization", b"Basic " + b"QQ==" * 15_000)], b"a=b"),
    "a length that is none": ([FORM, (b"content-length", b"-1")], b"a=b"),
    "a length beyond measure": ([FORM, (b"content-length", b"9" * 4_000)], b"a=b"),
    "compressed": ([FORM, (b"content-encoding", b"gzip")], b"\x1f\x8b\x08" + b"\x00" * 1000),
}


@pytest.mark.parametrize("what", HUGE)
def test_28_what_is_too_much_is_refused_within_a_second(dance: Dance, what: str) -> None:
    headers, body = HUGE[what]
    for endpoint in ENDPOINTS:
        path = f"/oauth/{endpoint}"
        started = time.process_time()
        answered = calls(dance.server, "POST", path, headers=headers, body=body)
        assert time.process_time() - started < 1, path
        is_sound(answered, path)
        turned = answered.status_code == 303 and answered.headers["location"].startswith(path)
        assert turned or 400 <= answered.status_code < 500, (path, answered.status_code)
    assert dance.posts({"grant_type": "client_credentials"}).status_code == 200


def test_28_what_is_too_large_and_the_wrong_method_say_so(dance: Dance) -> None:
    big = dance.programs.post("/oauth/token", content=b"a" * 2_000_000, headers={FORM[0]: FORM[1]})
    assert (big.status_code, big.headers["content-type"]) == (413, "application/problem+json")
    assert big.json()["status"] == 413
    for endpoint in ENDPOINTS[:5]:
        answered = dance.programs.get(f"/oauth/{endpoint}")
        assert refusal(answered) == (405, "invalid_request") and answered.headers["allow"] == "POST"
    assert dance.posts({"grant_type": "client_credentials"}).status_code == 200


def test_a_proof_or_a_token_beyond_measure_is_no_work(dance: Dance) -> None:
    """A signature is looked at only where everything else is right, and no number is of any size."""
    key = Signer()
    long: dict[str, Any] = {"jti": "j" * 50_000, "iat": 10**400, "htm": "POST", "htu": "x" * 50_000}
    for changed in ({name: value} for name, value in long.items()):
        started = time.process_time()
        answered = dance.posts({"grant_type": "client_credentials"}, headers=key.proves(**changed))
        assert time.process_time() - started < 1
        if "htm" not in changed:
            assert refusal(answered) == (400, "invalid_dpop_proof"), changed.keys()
    assert dance.posts({"grant_type": "client_credentials"}, headers=key.proves()).status_code == 200


def said(answered: Any) -> tuple[int, Any, set[str]]:
    """Everything that a prober sees, but for what is new in each answer."""
    own = {"x-request-id", "content-length", "date"}
    headers = {f"{name}: {value}" for name, value in answered.headers.items() if name not in own}
    kind = answered.headers.get("content-type", "")
    body = answered.json() if "json" in kind else answered.text.replace(answered.headers["x-request-id"], "")
    return answered.status_code, body, headers


def test_26_41_an_app_that_is_unknown_and_a_wrong_secret_look_alike(server: ASGIApp, browser: Browser) -> None:
    known = Dance(server, browser)
    posting = Dance(server, browser, urn=100002, name="Post", auth_method="client_secret_post")
    keyed = Keyed(server, browser, urn=100003, name="Signing")
    wrong = new_secret("gh_cs")
    for path in ("/oauth/token", "/oauth/par", "/oauth/introspect", "/oauth/revoke"):
        sent = {"grant_type": "client_credentials", "token": "x"}
        answers = [
            known.posts(sent, path=path, auth=(client_id, wrong))
            for client_id in ("app_nobody", posting.app.client_id, keyed.app.client_id)
        ]
        posted = [
            known.posts(sent, path=path, auth=None, client_id=client_id, client_secret=wrong)
            for client_id in ("app_nobody", known.app.client_id)
        ]
        assert len({repr(said(answered)) for answered in answers}) == 1
        assert len({repr(said(answered)) for answered in posted}) == 1
        assert refusal(answers[0]) == (401, "invalid_client")
        assert refusal(known.posts(sent, path=path, auth=(known.app.client_id, wrong))) == (401, "invalid_client")
    assert known.posts({"grant_type": "client_credentials"}).status_code == 200


def test_60_a_token_that_is_dead_foreign_malformed_or_never_was_looks_alike(server: ASGIApp, browser: Browser) -> None:
    mine, other = Dance(server, browser), Dance(server, browser, urn=100002, name="Other")
    dead, foreign = mine.tokens()["access_token"], other.tokens()
    mine.posts({"token": dead}, path="/oauth/revoke")
    never = [new_secret("gh_at"), new_secret("gh_rt"), "x", f"{dead}x", partner_token(other), mine.secret]
    tokens = [dead, foreign["access_token"], foreign["refresh_token"], *never]
    answers = [mine.posts({"token": token}, path="/oauth/introspect") for token in tokens]
    assert len({repr(said(answered)) for answered in answers}) == 1
    mine.signs_in()
    alive = mine.tokens()["access_token"]
    assert mine.posts({"token": alive}, path="/oauth/introspect").json()["active"]


def test_30_a_reference_that_is_foreign_and_one_that_never_was_look_alike(server: ASGIApp, browser: Browser) -> None:
    mine, other = Dance(server, browser), Dance(server, browser, urn=100002, name="Other")
    mine.signs_in()
    foreign = pushed(other)
    references = [foreign, URN + new_secret("gh_pr"), URN + with_checksum("gh_pr_short"), f"{foreign}x"]
    answers = []
    for reference in references:
        asked = {"client_id": mine.app.client_id, "request_uri": reference}
        answers.append(mine.browser.client.get("/oauth/authorize", params=asked))
        assert is_page(answers[-1])
        beside = mine.asks(request_uri=reference, prompt="none")
        assert "error=invalid_request_uri" in beside.headers["location"]
    assert len({repr(said(answered)) for answered in answers}) == 1
    own = {"client_id": mine.app.client_id, "request_uri": pushed(mine)}
    assert mine.browser.client.get("/oauth/authorize", params=own).status_code == 303


def test_69_a_grant_that_is_foreign_and_one_that_never_was_look_alike(server: ASGIApp, browser: Browser) -> None:
    mine, other = Dance(server, browser), Dance(server, browser, urn=100002, name="Other")
    foreign, own = other.tokens()["grant_id"], mine.tokens()["grant_id"]
    headers = {"authorization": f"Bearer {partner_token(mine)}"}
    ids = [foreign, "01a20ec8-19d4-7060-a124-8f1000000000", foreign.upper(), "x", "%00", f"{own}%20", "..%2f" + own]
    for method in ("GET", "DELETE"):
        answers = [mine.programs.request(method, f"/oauth/grants/{one}", headers=headers) for one in ids]
        assert {answered.status_code for answered in answers[:4]} == {404}
        assert {answered.status_code for answered in answers[4:]} <= {400, 404}
        assert len({repr(said(answered)) for answered in answers[:4]}) == 1
    asked = [mine.asks(prompt="none", grant_id=one).headers["location"] for one in ids[:4]]
    assert len(set(asked)) == 1 and "error=invalid_grant_id" in asked[0]
    assert mine.programs.get(f"/oauth/grants/{own}", headers=headers).status_code == 200


def test_31_a_request_that_is_foreign_and_one_that_never_was_look_alike(
    dance: Dance, server: ASGIApp, other_browser: Browser
) -> None:
    dance.opens()
    foreign = dance.browser.path
    dance.asks()
    other = Dance(server, other_browser, urn=100002, name="Other")
    other.opens()  # so that this browser has a secret, and a request, of its own
    absent = "/oauth/authorize/01a20ec8-19d4-7060-a124-8f1000000000"
    for method in ("GET", "POST"):
        answers = [other_browser.client.request(method, path) for path in (foreign, absent)]
        bodies = [answered.text.replace(path, "") for answered, path in zip(answers, (foreign, absent), strict=True)]
        assert [answered.status_code for answered in answers] == [404, 404] and bodies[0] == bodies[1]
    assert other_browser.client.get(other_browser.path).status_code == 200


def test_68_a_code_whose_half_is_right_and_one_that_never_was_look_alike(server: ASGIApp, browser: Browser) -> None:
    agent = Agent(server, browser)
    agent.starts()
    half = agent.user_code[:4]
    wrong_half = "".join("B" if letter != "B" else "C" for letter in agent.user_code[5:])
    never = "".join("B" if letter != "B" else "C" for letter in half)
    answers = []
    for typed in (f"{half}-{wrong_half}", f"{never}-{wrong_half}"):
        answered = browser.client.post("/device", data={"user_code": typed})
        answers.append((answered.status_code, answered.text.replace(typed, "")))
        throttle.forget_all()
    assert answers[0] == answers[1] and answers[0][0] == 422
    polls = [agent.polls(device_code=code) for code in (new_secret("gh_dc"), new_secret("gh_dc"), "x")]
    assert {refusal(answered) for answered in polls} == {(400, "invalid_grant")}
    agent.types()
    agent.approves()
    assert agent.polls().status_code == 200


def guesses(dance: Dance) -> dict[str, Callable[[], Any]]:
    grant = {"grant_type": "client_credentials"}
    return {
        "a client secret": lambda: dance.posts(grant, auth=(dance.app.client_id, new_secret("gh_cs"))),
        "an assertion": lambda: dance.posts(
            grant | Signer().asserts(dance.app.client_id), auth=None, client_id=dance.app.client_id
        ),
    }


@pytest.mark.parametrize("what", ["a client secret", "an assertion"])
def test_28_guessing_is_stopped_with_429_and_stops_nobody_else(server: ASGIApp, browser: Browser, what: str) -> None:
    dance, neighbour = Dance(server, browser), Dance(server, browser, urn=100002, name="Neighbour")
    statuses = [guesses(dance)[what]().status_code for _ in range(101)]
    assert statuses == [401] * 100 + [429]
    stopped = guesses(dance)[what]()
    assert refusal(stopped) == (429, "temporarily_unavailable") and int(stopped.headers["retry-after"]) > 0
    assert neighbour.posts({"grant_type": "client_credentials"}).status_code == 200
    throttle.forget_all()
    assert dance.posts({"grant_type": "client_credentials"}).status_code == 200


def test_a_body_that_breaks_off_is_nobodys_affair(server: ASGIApp, capfd: pytest.CaptureFixture[str]) -> None:
    sent: list[Message] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/oauth/token",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"content-type", b"application/x-www-form-urlencoded")],
    }

    async def breaks_off() -> Message:
        return {"type": "http.disconnect"}

    async def keep(message: Message) -> None:
        sent.append(message)

    asyncio.run(cast(Any, server)(scope, breaks_off, keep))

    assert sent == [] and "Traceback" not in capfd.readouterr().err

"""A machine is let in by a code that somebody types, and its key never leaves it."""

import json
import sys
from collections.abc import Callable

import pytest

from gatehouse_agent import enrolling, key, web
from gatehouse_agent.errors import AgentError, NotEnrolled
from gatehouse_agent.home import Home
from gatehouse_agent.work import Agent
from tests.agent.fake import SCHOOL, Fake, Say, faults, problem

pytestmark = pytest.mark.once


def enrols(home: Home, fake: Fake, waits: list[float]) -> str:
    """What it showed."""
    said: list[str] = []
    enrolling.enrol(home, fake.address, waits.append, said.append)
    return "\n".join(said)


def test_the_code_the_address_and_the_fingerprint_are_shown(home: Home, fake: Fake, waits: list[float]) -> None:
    shown = enrols(home, fake, waits)
    made = key.kept(home.key)
    for words in ("BCDF-GHJK", f"{fake.address}/device", fake.machine, made.fingerprint):
        assert words in shown
    assert made.fingerprint.replace(" ", "") == made.thumbprint
    kept = home.enrolment()
    assert (kept.server, kept.refresh_token, kept.school) == (fake.address, fake.refresh_token, SCHOOL)


def test_only_the_public_half_of_the_key_is_sent_and_the_files_are_private(
    home: Home, fake: Fake, waits: list[float]
) -> None:
    enrols(home, fake, waits)
    assert set(fake.jwk) == {"kty", "crv", "x", "y"}
    assert fake.jwk == key.kept(home.key).jwk
    assert b"PRIVATE KEY" in home.key.read_bytes()
    if sys.platform != "win32":
        assert {path.stat().st_mode & 0o777 for path in home.folder.iterdir()} == {0o600}


def test_it_asks_as_often_as_it_may_and_more_slowly_when_it_is_told(home: Home, fake: Fake, waits: list[float]) -> None:
    fake.interval = 5
    fake.answers = ["authorization_pending", "slow_down", "authorization_pending", "slow_down", True]
    enrols(home, fake, waits)
    assert waits == [5, 5, 10, 10, 15]


@pytest.mark.parametrize(
    ("answer", "words"), [("access_denied", "run the same command again"), ("expired_token", "Nobody has typed")]
)
def test_a_no_and_a_code_that_ran_out_say_what_to_do(
    home: Home, fake: Fake, waits: list[float], answer: str, words: str
) -> None:
    fake.answers = ["authorization_pending", answer, True]
    with pytest.raises(AgentError, match=words):
        enrols(home, fake, waits)
    with pytest.raises(NotEnrolled):
        home.enrolment()
    enrols(home, fake, waits)
    assert home.enrolment().server == fake.address


def test_a_server_that_is_away_for_a_moment_is_waited_out(home: Home, fake: Fake, waits: list[float]) -> None:
    fake.before = faults(problem(503, "503"), problem(429, "429", Retry_After="9"), within="/oauth/token")
    fake.nonce, fake.skew = "asked for", 90_000
    enrols(home, fake, waits)
    assert 9 in waits and home.enrolment().school == SCHOOL


def test_what_answers_but_is_not_gatehouse_is_told_from_it(home: Home, fake: Fake, waits: list[float]) -> None:
    for answer in (Say(404, {"detail": "Not Found"}), Say(200, {"hello": "world"})):
        fake.before = faults(answer)
        with pytest.raises(AgentError, match="Check the address"):
            enrols(home, fake, waits)
    fake.before = faults(Say(302, None, {"Location": f"{fake.address}/oauth/token"}))
    with pytest.raises(AgentError, match="answered in its place"):
        enrols(home, fake, waits)
    fake.before = faults()
    enrols(home, fake, waits)


def test_after_a_removal_it_is_let_in_anew_with_another_key(
    enrolled: Callable[[], Agent], home: Home, fake: Fake, waits: list[float]
) -> None:
    before = fake.jwk
    fake.removed = True
    with pytest.raises(AgentError):
        enrolled().beat()
    fake.answers = [True]
    enrols(home, fake, waits)
    enrolled().work()
    assert fake.jwk != before and len(fake.complete()) == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://gatehouse.example", "https://gatehouse.example"),
        ("http://127.0.0.1.gatehouse.example", "must start with https"),
        ("gatehouse.example", "not the address"),
        ("ftp://gatehouse.example", "not the address"),
        ("https://user@gatehouse.example", "not the address"),
        ("https://gatehouse.example/?a=b", "not the address"),
        ("https://gatehouse.example:port", "not the address"),
        ("https://", "not the address"),
    ],
)
def test_an_address_that_is_none_or_in_the_clear_is_refused(address: str, words: str) -> None:
    with pytest.raises(AgentError, match=words):
        web.checked(address)
    for good in ("https://gatehouse.example", "http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:80"):
        assert web.checked(good + "/") == good


def test_a_damaged_key_says_what_to_do_and_a_damaged_memory_is_begun_anew(
    enrolled: Callable[[], Agent], home: Home, fake: Fake
) -> None:
    good = home.key.read_bytes()
    home.key.write_bytes(b"nothing")
    with pytest.raises(AgentError, match="unenrol"):
        enrolled()
    home.key.write_bytes(good)
    memory = home.folder / "memory.json"
    for content in ("{", "[]", "\0" * 99, json.dumps({"sent": {"seen": ""}}), '{"something_newer": 1}'):
        memory.write_text(content)
        assert enrolled().memory.sent is None
    enrolled().work()
    assert len(fake.complete()) == 1

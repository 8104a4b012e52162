"""security.md f: two workers of the real command, fifty calls at once about one single-use thing: one winner, or none.

Every trial runs over HTTP. What the tables must say afterwards is the auditor's affair (`conftest.py`).
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select
from starlette.types import ASGIApp

from app.db import sessions
from app.models.authorisation import REVOKED, Authorisation
from app.models.endpoint import Endpoint
from app.models.token import ACCESS, REFRESH, AuthorizationCode, Token
from app.oauth.device import CLIENT_ID, GRANT
from app.secrets import digest
from tests import factories
from tests.faults import LONG
from tests.faults.processes import Answer, Server, serving
from tests.faults.test_killed import live_leaves, tokens
from tests.faults.world import Item, World, approve
from tests.oauth.agents import Agent
from tests.oauth.dance import Dance, at_once
from tests.oauth.proofs import Keyed, Signer, brings, pushed
from tests.pages import Browser

pytestmark = [pytest.mark.xdist_group("two processes"), pytest.mark.parametrize("trial", range(10 if LONG else 1))]
MANY = 50
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory, _schema: None) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("workers"), workers=2) as started:
        yield started


def races(call: Callable[[int], Answer | None]) -> list[Answer]:
    """The answers to so many calls at once; none may be lost, and none is a failure of ours."""
    answers = [answer for answer in at_once(MANY, call) if answer is not None]
    assert len(answers) == MANY and max(answer.status for answer in answers) < 500
    return answers


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def posts_as_sent(server: Server, body: dict[str, Any], **headers: str) -> Answer | None:
    return server.call("POST", "/oauth/token", urlencode(body), **FORM, **headers)


def browses(server: Server, browser: Browser) -> dict[str, str]:
    """The headers of a call by this browser."""
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.client.cookies.jar)
    return {"cookie": cookies, "accept": "text/html", "sec-fetch-site": "same-origin"}


def form(browser: Browser, words: str) -> tuple[str, str]:
    """Address and body of what pressing this button sends."""
    sent: list[Any] = []

    def note(_method: str, address: str, *, content: bytes, **_: Any) -> Any:
        sent.append((address, content))
        raise InterruptedError

    with pytest.MonkeyPatch.context() as held:
        held.setattr(browser.client, "request", note)
        with pytest.raises(InterruptedError):
            browser.presses(words)
    [(address, content)] = sent
    return address.removeprefix(browser.issuer), content.decode()


@pytest.mark.parametrize("which", [0, 1], ids=["confidential", "public"])
def test_36_one_code(workers: Server, world: World, trial: int, which: int) -> None:
    code = world.codes(2)[which]

    answers = races(lambda _: workers.redeems(code))

    assert statuses(answers) == {200: 1, 400: MANY - 1}
    assert sorted(token.purpose for token in tokens(code)) == [ACCESS, REFRESH]
    assert all(token.ended_at for token in tokens(code)), "the others were replays, which end what the winner got"
    control = workers.redeems(world.codes(2)[which])
    assert control is not None and control.status == 200


@pytest.mark.parametrize("which", [0, 1], ids=["confidential", "public"])
def test_45_one_refresh_token(workers: Server, world: World, trial: int, which: int) -> None:
    item = world.refresh_tokens(2)[which]

    answers = races(lambda _: workers.refreshes(item))

    assert statuses(answers)[200] >= 1
    assert statuses(answers).keys() <= {200, 400}
    [leaf] = live_leaves(item)
    given = [answer.json()["refresh_token"] for answer in answers if answer.status == 200]
    [held] = [token for token in given if digest(token) == leaf]
    control = workers.refreshes(item, held)
    assert control is not None and control.status == 200


def test_45_a_refresh_token_beside_its_successor(workers: Server, world: World, trial: int) -> None:
    [item] = world.refresh_tokens(1)
    first = workers.refreshes(item)
    assert first is not None
    successor = first.json()["refresh_token"]

    races(lambda number: workers.refreshes(item, successor if number % 2 else ""))

    assert len(live_leaves(item)) <= 1
    [control] = world.refresh_tokens(1)
    answered = workers.refreshes(control)
    assert answered is not None and answered.status == 200


def test_50_one_proof(workers: Server, world: World, trial: int) -> None:
    items = world.refresh_tokens(2 * MANY)[::2]
    proof = Signer().proof()
    sent = [{"grant_type": "refresh_token", "refresh_token": item.value} for item in items]

    answers = races(lambda number: workers.posts("/oauth/token", items[number], sent[number], dpop=proof))

    assert statuses(answers) == {200: 1, 400: MANY - 1}
    assert {answer.json()["error"] for answer in answers if answer.status == 400} == {"invalid_dpop_proof"}
    [control] = world.refresh_tokens(1)
    again = {"grant_type": "refresh_token", "refresh_token": control.value}
    answered = workers.posts("/oauth/token", control, again, dpop=Signer().proof())
    assert answered is not None and answered.json()["token_type"] == "DPoP"


def test_42_one_assertion(workers: Server, server: ASGIApp, browser: Browser, trial: int) -> None:
    dance = approved(Keyed(server, browser))
    body = {"grant_type": "client_credentials"} | dance.signer.asserts(dance.app.client_id)

    answers = races(lambda _: posts_as_sent(workers, body))

    assert statuses(answers) == {200: 1, 401: MANY - 1}
    again = {"grant_type": "client_credentials"} | dance.signer.asserts(dance.app.client_id)
    control = posts_as_sent(workers, again)
    assert control is not None and control.status == 200


def test_30_one_pushed_request(workers: Server, server: ASGIApp, browser: Browser, trial: int) -> None:
    dance = approved(Dance(server, browser))
    path = f"/oauth/authorize?{urlencode(brings(dance, pushed(dance)))}"

    answers = races(lambda _: workers.call("GET", path, accept="text/html"))

    assert statuses(answers) == {303: 1, 400: MANY - 1}
    control = workers.call("GET", f"/oauth/authorize?{urlencode(brings(dance, pushed(dance)))}", accept="text/html")
    assert control is not None and control.status == 303


def test_one_decision(workers: Server, server: ASGIApp, browser: Browser, trial: int) -> None:
    dance = approved(Dance(server, browser))
    dance.signs_in()
    dance.opens()
    headers = browses(workers, browser)
    yes, no = form(browser, "Authorise"), form(browser, "Decline")

    def decides(number: int) -> Answer | None:
        path, body = yes if number % 2 else no
        return workers.call("POST", path, body, **FORM, **headers)

    answers = races(decides)

    assert statuses(answers) == {303: 1, 410: MANY - 1}
    [location] = [answer.headers["location"] for answer in answers if answer.status == 303]
    with sessions.read() as db:
        codes = db.scalar(select(func.count()).select_from(AuthorizationCode))
    assert codes == ("code=" in location)
    assert dance.tokens()["access_token"]


def test_68_one_answer_to_an_agent(workers: Server, server: ASGIApp, browser: Browser, trial: int) -> None:
    agent = Agent(server, browser)
    with sessions.begin() as db:
        approve(db, agent.school)
    agent.starts()
    agent.types()
    browser.fills("Your password", factories.PASSWORD)
    yes, no = form(browser, "Approve"), form(browser, "Refuse")
    headers = browses(workers, browser)

    def answers_(number: int) -> Answer | None:
        path, body = no if number % 10 else yes  # a yes costs a slow hash, of which few run at once
        return workers.call("POST", path, body, **FORM, **headers)

    answers = races(answers_)

    assert statuses(answers) == {200: 1, 422: MANY - 1}
    with sessions.read() as db:
        endpoints = db.scalar(select(func.count()).select_from(Endpoint))
    [won] = [answer for answer in answers if answer.status == 200]
    assert endpoints == ("The agent is connected" in won.text)
    assert agent.tokens()["access_token"]


def test_68_one_collection(workers: Server, server: ASGIApp, browser: Browser, trial: int) -> None:
    agent = Agent(server, browser)
    with sessions.begin() as db:
        approve(db, agent.school)
    agent.starts()
    agent.types()
    agent.approves()
    body = {"grant_type": GRANT, "device_code": agent.device_code, "client_id": CLIENT_ID}
    proofs = [agent.signer.proof() for _ in range(MANY)]

    answers = races(lambda number: posts_as_sent(workers, body, dpop=proofs[number]))

    assert statuses(answers) == {200: 1, 400: MANY - 1}
    with sessions.read() as db:
        assert db.scalar(select(func.count()).select_from(Token)) == 2
    [pair] = [json.loads(answer.text) for answer in answers if answer.status == 200]
    assert agent.refreshes(pair["refresh_token"]).status_code == 200


def test_a_revocation_beside_refreshes_and_exchanges(workers: Server, world: World, trial: int) -> None:
    codes, held = world.codes(MANY), world.refresh_tokens(MANY)
    items: list[Item] = [codes[number] if number % 4 else held[number] for number in range(MANY)]

    def acts(number: int) -> Answer | None:
        if number % 10 == 5:
            return revokes(world)
        item = items[number]
        return workers.redeems(item) if number % 4 else workers.refreshes(item)

    answers = races(acts)

    assert statuses(answers).keys() <= {200, 400}
    with sessions.read() as db:
        alive = select(Token.purpose).where(Token.ended_at.is_(None), Token.used_at.is_(None))
        assert db.scalars(alive).all() == []
    assert {workers_answer.status for workers_answer in refused(workers, items)} == {400}
    control = workers.redeems(World(urn=100002).codes(1)[0])
    assert control is not None and control.status == 200


def revokes(world: World) -> Answer:
    """As a school does, in a third process: this one. By id, as whoever locks several authorisations must."""
    with sessions.begin() as db:
        for given in sorted(Authorisation.of_school(db, world.school.id), key=lambda given: given.id):
            given.end(db, REVOKED, None)
    return Answer(200, {}, "")


def refused(server: Server, items: list[Item]) -> list[Answer]:
    answers = [server.redeems(item) if item.value.startswith("gh_ac") else server.refreshes(item) for item in items]
    return [answer for answer in answers if answer is not None]


def approved(dance: Any) -> Any:
    with sessions.begin() as db:
        approve(db, dance.school)
    return dance

"""Each secret of ours opens its own door and no other: every kind in the place of every other. protocol.md 46, 57.

House decision: no token of one purpose is ever accepted as another.
"""

import dataclasses
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.oauth.par import URN
from app.secrets import sign
from app.settings import settings
from app.web import cookies, throttle
from app.web.remembered import COOKIE
from tests.oauth.agents import Agent
from tests.oauth.dance import DATA, Dance
from tests.oauth.oidc import ALL, agrees, silent, site, userinfo
from tests.oauth.proofs import ASSERTED, Keyed, Signer, pushed
from tests.oauth.test_agent_tokens import OURS as AGENTS
from tests.oauth.test_client_credentials import PARTNER
from tests.oauth.test_client_credentials import token as partner_token
from tests.oauth.test_logout import asks_first, leaves
from tests.pages import Browser
from tests.registration import people


@dataclasses.dataclass
class World:
    """One of everything; `secrets` by kind."""

    server: ASGIApp
    dance: Dance
    keyed: Keyed
    agent: Agent
    waiting: str
    verifier: str
    secrets: dict[str, str] = dataclasses.field(default_factory=dict)

    def stranger(self, **kept: str) -> TestClient:
        """A browser that holds these cookies and no others."""
        headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
        made = TestClient(self.server, base_url=settings.issuer, headers=headers, follow_redirects=False)
        for part, value in kept.items():
            made.cookies.set(cookies.name("" if part == "session" else part), value)
        return made

    def silently(self, **asked: str) -> bool:
        """Whether a request without a page ends with a code."""
        asked = self.dance.request(prompt="none", scope="openid") | asked
        answered = self.dance.browser.client.get("/oauth/authorize", params=asked)
        assert answered.status_code in (303, 400)
        return "code" in parse_qs(urlsplit(answered.headers.get("location", "")).query)


@pytest.fixture
def world(server: ASGIApp, browser: Browser, other_browser: Browser) -> World:
    dance = site(server, browser)
    agent = Agent(server, other_browser, urn=100002)
    own = agent.tokens()
    agent.starts()
    agent.types()
    showing = other_browser.document.xpath("//input[@name='waiting']/@value")[0]
    keyed = Keyed(server, browser, urn=100003, name="Signing")
    agrees(dance, *ALL)
    dance.signs_in()
    tokens = dance.redeems(silent(dance, scope=" ".join(ALL))["code"]).json()
    made = World(server, dance, keyed, agent, "", dance.verifier)
    made.secrets = {
        "access token": tokens["access_token"],
        "refresh token": tokens["refresh_token"],
        "ID token": tokens["id_token"],
        "grant id": tokens["grant_id"],
        "partner token": partner_token(dance),
        "code": silent(dance, scope=" ".join(ALL))["code"],
        "client secret": dance.secret,
        "request_uri": pushed(dance, prompt="none", scope="openid").removeprefix(URN),
        "device code": agent.device_code,
        "user code": agent.user_code,
        "what the device page carries": showing,
        "agent's access token": own["access_token"],
        "agent's refresh token": own["refresh_token"],
        "client assertion": keyed.signer.assertion(keyed.app.client_id),
        "DPoP proof": Signer().proof(),
        "DPoP nonce": sign("", "dpop nonce"),
        "code_verifier": dance.verifier,
    }
    dance.opens()
    made.waiting = dance.browser.path
    jar = {cookie.name: cookie.value or "" for cookie in browser.client.cookies.jar}
    made.secrets |= {"session cookie": jar[cookies.name()], "browser cookie": jar[cookies.name(COOKIE)]}
    people.listed(100009)
    link = people.asks_for_link(other_browser, 100009)
    made.secrets["mailed link"] = parse_qs(urlsplit(link).query)["token"][0]
    return made


def succeeded(answered: Any) -> bool:
    assert answered.status_code in (200, 400, 401, 403), (answered.status_code, answered.text)
    return bool(answered.status_code == 200)


def bearer(client: TestClient, path: str, secret: str) -> bool:
    return succeeded(client.get(path, headers={"authorization": f"Bearer {secret}"}))


def with_nonce(world: World, secret: str) -> bool:
    with pytest.MonkeyPatch.context() as policy:
        policy.setattr(settings, "dpop_nonce", True)
        asked = {"grant_type": "client_credentials"}
        return succeeded(world.dance.posts(asked, headers=Signer().proves(nonce=secret)))


def as_agent(world: World, secret: str) -> bool:
    return succeeded(AGENTS.get("/data", headers=world.agent.signer.proves(secret)))


def as_session(world: World, secret: str) -> bool:
    answered = world.stranger(session=secret).get("/account")
    assert answered.status_code == 200 or answered.headers["location"].startswith("/sign-in")
    return bool(answered.status_code == 200)


def as_browser(world: World, secret: str) -> bool:
    answered = world.stranger(browser=secret).get(world.waiting)
    assert answered.status_code in (200, 404)
    return bool(answered.status_code == 200)


def collected(world: World, secret: str) -> bool:
    if secret == world.agent.device_code:
        world.agent.types()
        world.agent.approves()
    return succeeded(world.agent.polls(device_code=secret))


def typed(world: World, secret: str) -> bool:
    answered = world.agent.browser.client.post("/device", data={"user_code": secret})
    assert answered.status_code in (200, 422)
    return bool(answered.status_code == 200)


def carried(world: World, secret: str) -> bool:
    answered = world.agent.browser.client.post("/device/answer", data={"waiting": secret, "decision": "refuse"})
    assert answered.status_code in (200, 422)
    return bool(answered.status_code == 200)


def followed(world: World, secret: str) -> bool:
    answered = world.stranger().get("/register/verify", params={"token": secret})
    assert answered.status_code in (200, 400)
    return bool(answered.status_code == 200)


def hinted(world: World, secret: str) -> bool:
    return not asks_first_or_left(leaves(world.dance, id_token_hint=secret))


def asks_first_or_left(answered: Any) -> bool:
    return "Sign out of Gatehouse?" in answered.text and asks_first(answered)


def introspected(world: World, secret: str) -> bool:
    answered = world.dance.posts({"token": secret}, path="/oauth/introspect").json()
    assert answered["active"] or answered == {"active": False}
    return bool(answered["active"])


def granted(world: World, secret: str) -> bool:
    return bearer(world.dance.programs, f"/oauth/grants/{world.secrets['grant id']}", secret)


def authenticated(world: World, secret: str, **how: Any) -> bool:
    return succeeded(world.dance.posts({"grant_type": "client_credentials"}, **how))


def asserted(world: World, secret: str) -> bool:
    asked = {"grant_type": "client_credentials", "client_assertion_type": ASSERTED, "client_assertion": secret}
    return succeeded(world.keyed.programs.post("/oauth/token", data=asked))


PLACES: dict[str, tuple[set[str], Callable[[World, str], bool]]] = {
    "code": ({"code"}, lambda world, it: succeeded(world.dance.redeems(it))),
    "code_verifier": (
        {"code_verifier"},
        lambda world, it: succeeded(world.dance.redeems(world.secrets["code"], code_verifier=it)),
    ),
    "refresh_token": ({"refresh token"}, lambda world, it: succeeded(world.dance.refreshes(it))),
    "client secret": (
        {"client secret"},
        lambda world, it: authenticated(world, it, auth=(world.dance.app.client_id, it)),
    ),
    "client_assertion": ({"client assertion"}, asserted),
    "device_code": ({"device code"}, collected),
    "refresh_token of an agent": (
        {"agent's refresh token"},
        lambda world, it: succeeded(world.agent.refreshes(it)),
    ),
    "user code": ({"user code"}, typed),
    "what the device page carries": ({"what the device page carries"}, carried),
    "request_uri": ({"request_uri"}, lambda world, it: world.silently(request_uri=URN + it)),
    "id_token_hint": ({"ID token"}, lambda world, it: world.silently(id_token_hint=it)),
    "id_token_hint at logout": ({"ID token"}, hinted),
    "grant_id": ({"grant id"}, lambda world, it: world.silently(grant_id=it, scope="school")),
    "DPoP": ({"DPoP proof"}, lambda world, it: authenticated(world, it, headers={"dpop": it})),
    "nonce of a proof": ({"DPoP nonce"}, with_nonce),
    "introspection": ({"access token", "refresh token", "partner token"}, introspected),
    "data": ({"access token"}, lambda _world, it: bearer(DATA, "/data", it)),
    "userinfo": ({"access token"}, lambda world, it: succeeded(userinfo(world.dance, it))),
    "partner API": ({"partner token"}, lambda _world, it: bearer(PARTNER, "/data", it)),
    "grants": ({"partner token"}, granted),
    "agents": ({"agent's access token"}, as_agent),
    "session cookie": ({"session cookie"}, as_session),
    "browser cookie": ({"browser cookie"}, as_browser),
    "mailed link": ({"mailed link"}, followed),
}


def spellings(secret: str) -> Iterator[str]:
    """As it is, and as whoever hopes for a prefix or a blank to be taken off would send it."""
    yield secret
    for prefix in ("gh_at", "gh_rt", "gh_ac", "gh_ss", "gh_br", "gh_dc", "gh_pr"):
        if secret.startswith("gh_") and not secret.startswith(prefix):
            yield prefix + secret[5:]


@pytest.mark.parametrize("place", PLACES)
def test_46_57_no_secret_stands_for_another(world: World, place: str) -> None:
    fits, opens = PLACES[place]
    for kind, secret in world.secrets.items():
        if kind not in fits:
            throttle.forget_all()
            assert not any(opens(world, spelling) for spelling in spellings(secret)), kind
    for kind in fits:
        assert opens(world, world.secrets[kind]), kind


def test_46_57_59_giving_back_what_is_no_token_ends_nothing(world: World) -> None:
    tokens = {"access token", "refresh token", "partner token"}
    for kind, secret in world.secrets.items():
        if kind not in tokens:
            assert world.dance.posts({"token": secret}, path="/oauth/revoke").status_code == 200, kind
    for place, kind in (("data", "access token"), ("grants", "partner token"), ("agents", "agent's access token")):
        assert PLACES[place][1](world, world.secrets[kind]), kind
    for kind in ("refresh token", "code"):
        assert PLACES[kind.replace(" ", "_")][1](world, world.secrets[kind]), kind
    assert as_session(world, world.secrets["session cookie"])
    assert typed(world, world.secrets["user code"])


def test_an_id_that_is_no_secret_opens_nothing_either(world: World) -> None:
    for place in ("code", "refresh_token", "data", "session cookie", "mailed link", "request_uri"):
        for known in (
            world.dance.app.client_id,
            str(world.dance.app.id),
            str(world.dance.school.id),
            str(uuid.uuid4()),
        ):
            assert not PLACES[place][1](world, known), place
    assert bearer(DATA, "/data", world.secrets["access token"])

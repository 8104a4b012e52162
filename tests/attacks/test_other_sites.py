"""Other sites: what they may make a browser post, and what they may frame. security.md 7, 12; protocol.md 5, 24, 65."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.types import ASGIApp

from app.db import sessions
from app.models.account import Membership
from app.models.account import Session as SignIn
from app.models.endpoint import Endpoint
from app.models.token import AuthorizationCode, AuthorizationRequest
from app.settings import settings
from app.web import cookies
from tests import factories
from tests.oauth.agents import Agent
from tests.oauth.dance import CALLBACK, Dance, authorisations, types_everything
from tests.oauth.oidc import signs_in_to, silent, site
from tests.oauth.proofs import pushed
from tests.pages import Browser

OURS = settings.issuer
PORT = OURS.rpartition(":")[2]
FOREIGN: dict[str, list[tuple[str, str]]] = {
    "nothing that says where from": [],
    "cross-site": [("sec-fetch-site", "cross-site")],
    "same-site, another port or subdomain": [("sec-fetch-site", "same-site")],
    "cross-site, whatever Origin says": [("sec-fetch-site", "cross-site"), ("origin", OURS)],
    "cross-site, whatever Referer says": [("sec-fetch-site", "cross-site"), ("referer", f"{OURS}/sign-in")],
    "an unknown word": [("sec-fetch-site", "Same-Origin")],
    "two words": [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
    "two words in one": [("sec-fetch-site", "same-origin, cross-site")],
    "another Origin": [("origin", "https://evil.example")],
    "another Origin, our Referer": [("origin", "https://evil.example"), ("referer", f"{OURS}/sign-in")],
    "an opaque Origin": [("origin", "null")],
    "an opaque Origin, our Referer": [("origin", "null"), ("referer", f"{OURS}/sign-in")],
    "our Origin and another": [("origin", OURS), ("origin", "https://evil.example")],
    "two Origins in one": [("origin", f"{OURS} https://evil.example")],
    "another port": [("origin", OURS.replace(PORT, "1"))],
    "another scheme": [("origin", OURS.replace("http:", "https:"))],
    "our name before another": [("origin", f"{OURS}.evil.example")],
    "our name as a user": [("origin", f"{OURS}@evil.example")],
    "another Referer": [("referer", "https://evil.example/")],
    "our name in another Referer": [("referer", f"https://evil.example/?{OURS}/sign-in")],
    "our name as the user of a Referer": [("referer", f"{OURS}@evil.example/")],
    "a Referer that is none": [("referer", "/sign-in")],
    "a broken Referer": [("referer", "http://[")],
}


def posts(browser: Browser, path: str, headers: list[tuple[str, str]], **fields: str) -> Any:
    usual = browser.client.headers.pop("sec-fetch-site")
    try:
        return browser.client.post(path, data=fields, headers=headers)
    finally:
        browser.client.headers["sec-fetch-site"] = usual


def rows(kind: type[Any], *which: Any) -> int:
    with sessions.read() as db:
        return db.scalar(select(func.count()).select_from(kind).where(*which)) or 0


def refuses_foreign(browser: Browser, path: str, untouched: Callable[[], Any], **fields: str) -> None:
    """From elsewhere a right form does nothing; from here it does something."""
    before = untouched()
    for where, headers in FOREIGN.items():
        refused = posts(browser, path, headers, **fields)
        assert refused.status_code == 403, where
        assert "set-cookie" not in refused.headers and "location" not in refused.headers, where
        assert untouched() == before, where
    assert posts(browser, path, [("origin", OURS)], **fields).status_code in (200, 303)
    assert untouched() != before


def test_no_other_site_decides_for_a_school(dance: Dance) -> None:
    dance.signs_in()
    dance.opens()
    shown = dance.browser.document.xpath("//input[@name='shown']/@value")[0]
    yes = {"decision": "authorise", "shown": shown, "scope-school": "yes"}
    refuses_foreign(dance.browser, dance.browser.path, lambda: (len(authorisations()), rows(AuthorizationCode)), **yes)


def test_no_other_site_declines_for_a_school(dance: Dance) -> None:
    dance.signs_in()
    dance.opens()
    still = AuthorizationRequest.completed_at.is_(None)
    refuses_foreign(dance.browser, dance.browser.path, lambda: rows(AuthorizationRequest, still), decision="decline")


def test_no_other_site_chooses_a_school(dance: Dance) -> None:
    with sessions.begin() as db:
        second = factories.school(db, 100002, "Verified")
        db.add(Membership(account_id=dance.admin.id, school_id=second.id, role="Admin"))
    dance.signs_in()
    dance.opens()
    path = f"{dance.browser.path}/school"
    chosen = SignIn.school_id.is_not(None)
    refuses_foreign(dance.browser, path, lambda: rows(SignIn, chosen), school=str(second.id))


def test_no_other_site_lets_an_agent_in(server: ASGIApp, browser: Browser) -> None:
    agent = Agent(server, browser)
    agent.starts()
    agent.types()
    carried = browser.document.xpath("//input[@name='waiting']/@value")[0]
    yes = {"decision": "approve", "waiting": carried, "password": factories.PASSWORD}
    refuses_foreign(browser, "/device/answer", lambda: rows(Endpoint), **yes)
    for headers in FOREIGN.values():
        assert posts(browser, "/device", headers, user_code=agent.user_code).status_code == 403


def test_no_other_site_signs_anybody_in_or_out(dance: Dance) -> None:
    """Signing in from elsewhere would let somebody work, unknowing, in the attacker's account."""
    own = {"login": dance.admin.email, "password": factories.PASSWORD}
    refuses_foreign(dance.browser, "/sign-in", lambda: rows(SignIn), **own)
    done = SignIn.step == "done"
    refuses_foreign(dance.browser, "/sign-in/code", lambda: rows(SignIn, done), code=factories.code())
    refuses_foreign(dance.browser, "/sign-out", lambda: rows(SignIn, SignIn.ended_at.is_(None)))


@pytest.mark.parametrize("where", FOREIGN)
def test_16_65_posts_that_may_come_from_anywhere_read_no_cookie(dance: Dance, where: str) -> None:
    """With or without a session, authorize and logout turn a post into the same GET and touch nothing."""
    asked = dance.request()
    strange = posts(dance.browser, "/oauth/authorize", FOREIGN[where], **asked)
    dance.signs_in()
    known = posts(dance.browser, "/oauth/authorize", FOREIGN[where], **asked)
    assert known.headers["location"] == strange.headers["location"] and known.status_code == 303
    assert "set-cookie" not in known.headers and known.content == strange.content
    left = posts(dance.browser, "/oauth/logout", FOREIGN[where], state="x")
    assert (left.status_code, left.headers["location"]) == (303, "/oauth/logout?state=x")
    assert "set-cookie" not in left.headers and rows(SignIn, SignIn.ended_at.is_(None)) == 1
    assert dance.browser.client.get(known.headers["location"]).headers["location"].startswith("/oauth/authorize/")


def test_endpoints_for_programs_know_no_cookie(dance: Dance) -> None:
    """Signed in or not, a browser that is made to call them gets nothing by its cookies."""
    tokens = dance.tokens()
    calls = [
        ("POST", "/oauth/token", {"grant_type": "client_credentials"}),
        ("POST", "/oauth/par", dance.request()),
        ("POST", "/oauth/introspect", {"token": tokens["access_token"]}),
        ("POST", "/oauth/revoke", {"token": tokens["access_token"]}),
        ("GET", "/oauth/userinfo", None),
        ("POST", "/oauth/userinfo", {}),
        ("GET", f"/oauth/grants/{tokens['grant_id']}", None),
        ("DELETE", f"/oauth/grants/{tokens['grant_id']}", None),
        ("GET", "/ims/oneroster/rostering/v1p2/orgs", None),
    ]
    for method, path, data in calls:
        answered = dance.browser.client.request(method, path, data=data, headers={"origin": "https://evil.example"})
        assert answered.status_code == 401, (path, answered.text)
        assert "set-cookie" not in answered.headers
        assert not [name for name in answered.headers if name.startswith("access-control")], path
    assert dance.reads(tokens["access_token"]).status_code == 200


def is_nobodys_frame(headers: Any, *targets: str) -> None:
    """What every page of the flow says; `targets`: where its forms may end beside our own site (24)."""
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["frame-ancestors"] == policy["default-src"] == policy["base-uri"] == "'none'"
    assert policy["form-action"].split() == ["'self'", *targets]
    assert policy["script-src"] == "'self'" and policy["style-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"] and "*" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer")
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert not [name for name in headers if name.startswith("access-control")]


def pages(dance: Dance, other: Browser) -> Iterator[tuple[str, Any]]:
    """Every page of the flow, one after the other, with its headers."""
    browser = dance.browser
    origin = CALLBACK.removesuffix("/callback")
    dance.opens()
    yield origin, browser.headers
    other.opens(browser.path, 404)
    yield "", other.headers
    browser.follows("Sign in")
    yield origin, browser.headers
    browser.fills("Username or email address", dance.admin.email)
    browser.fills("Password", factories.PASSWORD)
    browser.presses("Sign in")
    yield origin, browser.headers
    browser.fills("Code from your authenticator app", factories.code())
    browser.presses("Continue")
    yield origin, browser.headers
    page = browser.path
    browser.posts(page, 422, decision="maybe", shown=browser.document.xpath("//input[@name='shown']/@value")[0])
    yield origin, browser.headers
    browser.presses("Authorise")
    browser.opens(page, 410)
    yield "", browser.headers
    for changed in ({"redirect_uri": "https://evil.example"}, {"client_id": "app_unknown"}):
        browser.opens("/oauth/authorize?" + "&".join(f"{k}={v}" for k, v in dance.request(**changed).items()), 400)
        yield "", browser.headers
    dance.opens(prompt="login")
    yield origin, browser.headers
    for path in ("/oauth/logout", "/device", "/sign-in?next=/school"):
        browser.opens(path)
        yield "", browser.headers


def test_24_no_page_of_the_flow_can_be_framed_or_read(dance: Dance, other_browser: Browser) -> None:
    seen = 0
    for target, headers in pages(dance, other_browser):
        is_nobodys_frame(headers, *filter(None, [target]))
        seen += 1
    assert seen == 13
    assert "code" in silent(dance, scope="school")


def test_what_leaves_for_the_app_tells_no_third_party(server: ASGIApp, browser: Browser) -> None:
    dance = site(server, browser, post_logout_redirect_uris=["https://partner.example/bye"])
    dance.signs_in()
    mine = signs_in_to(dance)["id_token"]
    asked = {"id_token_hint": mine, "post_logout_redirect_uri": "https://partner.example/bye"}
    reference = {"client_id": dance.app.client_id, "request_uri": pushed(dance, scope="openid")}
    answers = [
        dance.asks(scope="openid", prompt="none"),
        dance.asks(scope="nothing", prompt="none"),
        browser.client.get("/oauth/authorize", params=reference),
        browser.client.get("/oauth/logout", params=asked),
    ]
    for answered in answers:
        assert answered.status_code == 303 and answered.headers["location"].startswith("https://partner.example/")
        assert answered.headers["referrer-policy"] == "no-referrer"
        assert answered.headers["cache-control"] == "no-store"
        assert not [name for name in answered.headers if name.startswith("access-control")]
    assert cookies.name() in answers[-1].headers["set-cookie"], "and signing out takes the cookie away"


def test_the_second_step_is_not_skipped_by_posting_the_decision(dance: Dance) -> None:
    """security.md 2: authorise with the second step pending."""
    dance.opens()
    page = dance.browser.path
    dance.browser.follows("Sign in")
    dance.browser.fills("Username or email address", dance.admin.email)
    dance.browser.fills("Password", factories.PASSWORD)
    dance.browser.presses("Sign in")
    dance.browser.posts(page, decision="authorise", shown="x", **{"scope-school": "yes"})
    assert dance.browser.left_to == "" and authorisations() == []
    dance.browser.posts(page, decision="decline")
    assert dance.browser.left_to == ""
    dance.browser.opens(page)
    dance.browser.follows("Sign in")
    if dance.browser.path.startswith("/sign-in/code"):
        dance.browser.fills("Code from your authenticator app", factories.code())
        dance.browser.presses("Continue")
    else:
        types_everything(dance.browser, dance.admin)
    dance.browser.presses("Authorise")
    assert dance.redeems(dance.answered()["code"]).status_code == 200
